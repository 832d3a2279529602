package io.kloigos.http.bench;

import io.zonky.test.db.postgres.embedded.EmbeddedPostgres;
import java.sql.Connection;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.ExecutionException;

/**
 * Allocations over HTTP from a durable store, on hosts that take no time: beside the disk's own durable commits and beside an
 * application of the usual shape in Python, and in a small fleet beside a large one.
 */
final class ControlBench {
    private static final int CLIENTS = 16;
    private static final int EACH = 800;
    private static final int COMMITS = 2000;
    private static final int WARM_UP = 6;

    private final BenchDirectory directory;
    private final int pairs;

    private ControlBench(BenchDirectory directory, int pairs) {
        this.directory = directory;
        this.pairs = pairs;
    }

    public static void main(String[] arguments) throws Exception {
        boolean quick = List.of(arguments).contains("--quick");
        List<Integer> sizes = quick ? List.of(1_000, 10_000) : List.of(1_000, 10_000, 100_000, 1_000_000);
        System.out.println(Ratios.head());
        try (BenchDirectory directory = BenchDirectory.create()) {
            ControlBench bench = new ControlBench(directory, quick ? 3 : 5);
            if (List.of(arguments).contains("--postgres")) {
                bench.besideSqlite(sizes);
            } else if (List.of(arguments).contains("--one-fleet")) {
                bench.measure(sizes.subList(0, 1));
            } else {
                bench.measure(sizes);
            }
        }
    }

    /** The same from PostgreSQL beside SQLite; both have every commit on the disk before it is answered. */
    private void besideSqlite(List<Integer> sizes) throws Exception {
        try (EmbeddedPostgres postgres = EmbeddedPostgres.builder()
                .setDataDirectory(directory.resolve("postgres"))
                .setServerConfig("fsync", "on")
                .setServerConfig("synchronous_commit", "on")
                .start()) {
            for (int size : sizes) {
                String name = "fleet" + size;
                try (Connection connection = postgres.getPostgresDatabase().getConnection();
                        Statement statement = connection.createStatement()) {
                    statement.execute("CREATE DATABASE " + name);
                }
                besideSqlite(
                        BenchFleet.ofUnits(directory.resolve(name + ".db"), size),
                        BenchFleet.ofUnits(new BenchDatabase(postgres.getJdbcUrl("postgres", name)), size));
            }
        }
    }

    private void besideSqlite(BenchFleet sqlite, BenchFleet postgres) throws Exception {
        try (ServerProcess reference = ServerProcess.kloigos(sqlite.database(), 0);
                ServerProcess server = ServerProcess.kloigos(postgres.database(), 0)) {
            warmUp(reference, sqlite);
            warmUp(server, postgres);
            for (int clients : List.of(1, CLIENTS)) {
                Beside beside = new Beside();
                for (int pair = 0; pair < pairs; pair++) {
                    beside.add(allocate(server, postgres, clients), allocate(reference, sqlite, clients));
                }
                beside.print("PostgreSQL : SQLite, " + sqlite.units() + " units, " + clients + " clients, ");
            }
        }
    }

    /** Allocations beside others. */
    private static final class Beside {
        private final Ratios rates = new Ratios();
        private final Ratios medians = new Ratios();
        private final Ratios tails = new Ratios();

        void add(Allocations given, Allocations reference) {
            rates.add(given.perSecond(), reference.perSecond());
            medians.add(given.millis(0.5), reference.millis(0.5));
            tails.add(given.millis(0.99), reference.millis(0.99));
        }

        void print(String what) {
            System.out.println(rates.row(what + "allocations", "per s"));
            System.out.println(medians.row(what + "median", "ms"));
            System.out.println(tails.row(what + "p99", "ms"));
        }
    }

    private void measure(List<Integer> sizes) throws Exception {
        List<BenchFleet> fleets = new ArrayList<>();
        for (int size : sizes) {
            fleets.add(BenchFleet.ofUnits(directory.resolve("fleet" + size + ".db"), size));
        }
        BenchFleet small = fleets.get(0);
        try (ServerProcess server = ServerProcess.kloigos(small.file(), 0)) {
            warmUp(server, small);
            besideDisk(server, small);
            besidePython(server, small);
            System.out.printf(Locale.ROOT, "most memory of the server until here: %.0f MB%n", server.mostMegabytes());
            for (BenchFleet large : fleets.subList(1, fleets.size())) {
                besideSmall(server, small, large);
            }
        }
    }

    private void warmUp(ServerProcess server, BenchFleet fleet)
            throws SQLException, ExecutionException, InterruptedException {
        for (int round = 0; round < WARM_UP; round++) {
            allocate(server, fleet, CLIENTS);
        }
    }

    private Allocations allocate(ServerProcess server, BenchFleet fleet, int clients)
            throws SQLException, ExecutionException, InterruptedException {
        fleet.reset();
        Allocations given = Allocations.ask(server.port(), clients, EACH);
        List<Integer> allocated = fleet.allocated();
        if (given.doubled() > 0 || !allocated.equals(List.of(EACH, EACH))) {
            throw new IllegalStateException(
                    given.doubled() + " units were given twice, " + EACH + " given and written down are " + allocated);
        }
        return given;
    }

    private void besideDisk(ServerProcess server, BenchFleet fleet) throws Exception {
        try (DurableCommits disk = new DurableCommits(directory.resolve("commits.db"))) {
            disk.perSecond(COMMITS);
            for (int clients : List.of(1, CLIENTS)) {
                Ratios ratios = new Ratios();
                for (int pair = 0; pair < pairs; pair++) {
                    ratios.add(allocate(server, fleet, clients).perSecond(), disk.perSecond(COMMITS));
                }
                System.out.println(
                        ratios.row("allocations, " + clients + " clients : durable single-row commits", "per s"));
            }
        }
    }

    private void besidePython(ServerProcess server, BenchFleet fleet) throws Exception {
        try (ServerProcess python = ServerProcess.python(directory.path(), 100_000)) {
            Allocations.ask(python.port(), CLIENTS, EACH);
            for (int clients : List.of(1, CLIENTS)) {
                Ratios ratios = new Ratios();
                int doubled = 0;
                for (int pair = 0; pair < pairs; pair++) {
                    Allocations reference = Allocations.ask(python.port(), clients, EACH);
                    doubled += reference.doubled();
                    ratios.add(allocate(server, fleet, clients).perSecond(), reference.perSecond());
                }
                System.out.println(ratios.row(
                        "allocations, " + clients + " clients : FastAPI (" + doubled + " doubled)", "per s"));
            }
        }
    }

    private void besideSmall(ServerProcess server, BenchFleet small, BenchFleet large) throws Exception {
        try (ServerProcess other = ServerProcess.kloigos(large.file(), 0)) {
            warmUp(other, large);
            for (int clients : List.of(1, CLIENTS)) {
                Ratios medians = new Ratios();
                Ratios tails = new Ratios();
                for (int pair = 0; pair < pairs; pair++) {
                    Allocations reference = allocate(server, small, clients);
                    Allocations given = allocate(other, large, clients);
                    medians.add(given.millis(0.5), reference.millis(0.5));
                    tails.add(given.millis(0.99), reference.millis(0.99));
                }
                String what = String.format(
                        Locale.ROOT, "%d units : %d units, %d clients, ", large.units(), small.units(), clients);
                System.out.println(medians.row(what + "median", "ms"));
                System.out.println(tails.row(what + "p99", "ms"));
            }
        }
    }
}
