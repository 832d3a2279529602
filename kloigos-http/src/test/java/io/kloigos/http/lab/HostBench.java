package io.kloigos.http.lab;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenants;
import io.kloigos.spi.HostSession;
import io.kloigos.testkit.lab.Lab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import java.util.function.Supplier;
import java.util.function.ToDoubleFunction;
import java.util.stream.DoubleStream;
import java.util.stream.IntStream;

/**
 * What Kloigos does on a real host, against scripts that do the same by hand: each sent as one command over an SSH connection that is
 * open already. Kloigos reads back what it did, looks for what a tenant left, keeps a durable record, and could be cut off at any step; the scripts do
 * nothing of that. For scale, Ansible playbooks that do what the scripts do are beside it too.
 */
final class HostBench implements AutoCloseable {
    private static final int PAIRS = 5;
    private static final int PAIRS_IF_QUICK = 3;
    /** A playbook takes minutes. */
    private static final int PAIRS_OF_ANSIBLE = 1;

    private static final int SLOWEST = 12;
    private static final String HOSTNAME = "host1";
    private static final int FIRST_CPU = 4;
    /** The unit by hand is at the end of the host, out of the way of those of Kloigos. */
    private static final int CPU_BY_HAND = 15;

    private final Lab lab;
    private final Kloigos kloigos;
    private final SshHostDriver driver;
    private final HostAddress address;
    private final List<String> ssh;
    private final Path directory;
    private final Path output;
    private final int pairs;
    private final Set<Part> parts;
    private final List<Operation> ended = new ArrayList<>();

    private HostBench(Lab lab, Path directory, int pairs, Set<Part> parts) {
        this.pairs = pairs;
        this.parts = parts;
        this.directory = directory;
        this.output = directory.resolve("said");
        this.lab = lab;
        this.driver = new SshHostDriver(SshSettings.withKey(lab.privateKey()));
        this.address = new HostAddress(HOSTNAME, lab.host(), lab.port(), null, null);
        this.kloigos = Kloigos.builder()
                .driver(driver)
                .database(directory.resolve("kloigos.db"))
                .neverCheckDrift()
                .build();
        this.ssh = List.of(
                "ssh",
                "-F",
                "none",
                "-o",
                "ControlPath=" + directory.resolve("ssh"),
                "-o",
                "UserKnownHostsFile=" + lab.knownHosts(),
                "-o",
                "LogLevel=ERROR",
                "-i",
                lab.privateKey().toString(),
                "-p",
                Integer.toString(lab.port()),
                "root@" + lab.host());
    }

    /** What can be measured by itself. */
    private enum Part {
        INIT,
        LOOKS,
        TENANCIES,
        ANSIBLE
    }

    /** What is timed, and what follows untimed so that it can be done again. */
    private record Timed(Runnable run, Runnable after) {
        static Timed of(Runnable run) {
            return new Timed(run, () -> {});
        }
    }

    private record Pair(double kloigos, double byHand) {
        double ratio() {
            return kloigos / byHand;
        }
    }

    public static void main(String[] arguments) throws Exception {
        try (Lab lab = Lab.start(Lab.Release.BOOKWORM)) {
            lab.restore();
            int pairs = List.of(arguments).contains("--quick") ? PAIRS_IF_QUICK : PAIRS;
            Set<Part> parts = EnumSet.noneOf(Part.class);
            Arrays.stream(arguments)
                    .filter(argument -> !argument.startsWith("-"))
                    .forEach(argument -> parts.add(Part.valueOf(argument.toUpperCase(Locale.ROOT))));
            if (parts.isEmpty()) {
                parts.addAll(EnumSet.allOf(Part.class));
            }
            try (HostBench bench = new HostBench(lab, Files.createTempDirectory("bench"), pairs, parts)) {
                bench.measure();
            }
        }
    }

    private void measure() {
        start("", "-o", "ControlMaster=yes", "-o", "ControlPersist=yes", "-N", "-f");
        System.out.printf("%-24s %12s %12s   %s%n", "", "Kloigos ms", "by hand ms", "ratio (min-max)");
        if (parts.contains(Part.INIT)) {
            for (int units : new int[] {1, 4, 8}) {
                print(
                        "init, " + units + (units == 1 ? " unit" : " units"),
                        pairs(pairs, init(units), initByHand(units)));
                printSteps(Operation.Kind.INIT);
            }
        }
        if (parts.contains(Part.ANSIBLE)) {
            print("init, 4 units : Ansible", pairs(PAIRS_OF_ANSIBLE, init(4), initByAnsible(4)));
        }
        byHand("init.sh", CPU_BY_HAND, 1);
        init(1).run().run();
        if (parts.contains(Part.LOOKS)) {
            print("facts", pairs(pairs, Timed.of(this::facts), Timed.of(() -> byHand("facts.sh"))));
            print(
                    "drift check",
                    pairs(pairs, Timed.of(() -> kloigos.checkDrift(HOSTNAME)), Timed.of(() -> byHand("verify.sh", 1))));
        }
        if (parts.contains(Part.TENANCIES)) {
            tenancies("", pairs, this::tenancyByHand);
            printSteps(Operation.Kind.ALLOCATE);
            printSteps(Operation.Kind.DEALLOCATE);
        }
        if (parts.contains(Part.ANSIBLE)) {
            tenancies(" : Ansible", PAIRS_OF_ANSIBLE, this::tenancyByAnsible);
        }
        System.out.printf(
                Locale.ROOT,
                "%-24s %12s %12.0f%n",
                "ssh true",
                "",
                millis(Timed.of(() -> start("true", "bash", "-s"))));
    }

    /** How long a tenancy took: to be had, to the end of the first command over SSH, and to be given back. */
    private record Tenancy(double allocate, double login, double release) {}

    private void tenancies(String beside, int pairs, Supplier<Tenancy> byHand) {
        List<Tenancy> kloigosTenancies = new ArrayList<>();
        List<Tenancy> byHandTenancies = new ArrayList<>();
        for (int i = 0; i <= pairs; i++) {
            if (i % 2 == 0) {
                kloigosTenancies.add(tenancy());
                byHandTenancies.add(byHand.get());
            } else {
                byHandTenancies.add(byHand.get());
                kloigosTenancies.add(tenancy());
            }
        }
        print("allocate" + beside, pairs(kloigosTenancies, byHandTenancies, Tenancy::allocate));
        print("first login" + beside, pairs(kloigosTenancies, byHandTenancies, Tenancy::login));
        print("deallocate" + beside, pairs(kloigosTenancies, byHandTenancies, Tenancy::release));
    }

    /** One side after the other: a user manager goes on starting when the allocation has ended. */
    private Tenancy tenancy() {
        ComputeUnit[] unit = new ComputeUnit[1];
        double allocate = millis(Timed.of(() -> unit[0] =
                kloigos.allocate(new AllocateRequest(1, null, null, Tags.none(), new SshPublicKey(lab.publicKey())))));
        ended.add(kloigos.operation(String.valueOf(unit[0].operationId())));
        double login = millis(Timed.of(() -> logIn(unit[0].user())));
        settle();
        double release = millis(Timed.of(() -> succeed(kloigos.deallocate(unit[0].id()))));
        settle();
        return new Tenancy(allocate, login, release);
    }

    private Tenancy tenancyByHand() {
        return tenancyByHand(
                () -> byHand("allocate.sh", 0, CPU_BY_HAND, lab.publicKey()), () -> byHand("deallocate.sh", 0));
    }

    private Tenancy tenancyByAnsible() {
        return tenancyByHand(
                () -> byAnsible("allocate.yml", "number=0", "cpu=" + CPU_BY_HAND, "key='" + lab.publicKey() + "'"),
                () -> byAnsible("deallocate.yml", "number=0"));
    }

    private Tenancy tenancyByHand(Runnable handOut, Runnable takeBack) {
        double allocate = millis(Timed.of(handOut));
        double login = millis(Timed.of(() -> logIn("h0")));
        settle();
        double release = millis(Timed.of(takeBack));
        settle();
        return new Tenancy(allocate, login, release);
    }

    private void settle() {
        start("until [ -z \"$(systemctl list-jobs --no-legend)\" ]; do sleep 0.2; done\n", "bash", "-s");
    }

    /** The first of each side warms up and does not count. */
    private static List<Pair> pairs(List<Tenancy> kloigos, List<Tenancy> byHand, ToDoubleFunction<Tenancy> part) {
        return IntStream.range(1, kloigos.size())
                .mapToObj(i -> new Pair(part.applyAsDouble(kloigos.get(i)), part.applyAsDouble(byHand.get(i))))
                .toList();
    }

    /** What the host says of the last operation of this kind: how long its plan took, and which steps the most of it. */
    private void printSteps(Operation.Kind kind) {
        Operation last = ended.stream()
                .filter(operation -> operation.kind() == kind)
                .reduce((first, second) -> second)
                .orElseThrow();
        System.out.printf(
                Locale.ROOT,
                "    %5d on the host, in %d steps%n",
                last.steps().stream().mapToLong(Operation.Step::millis).sum(),
                last.steps().size());
        last.steps().stream()
                .sorted(Comparator.comparingLong(Operation.Step::millis).reversed())
                .limit(SLOWEST)
                .forEach(step -> System.out.printf(Locale.ROOT, "    %5d %.90s%n", step.millis(), step.description()));
    }

    private void facts() {
        try (HostSession session = driver.open(address)) {
            session.facts();
        }
    }

    /** As a tenant does, over a connection of its own. */
    private void logIn(String user) {
        lab.ssh(user, "systemctl --user is-system-running --wait || true").ok();
    }

    private Timed init(int units) {
        return new Timed(
                () -> {
                    List<CpuSet> ranges = IntStream.range(FIRST_CPU, FIRST_CPU + units)
                            .mapToObj(cpu -> CpuSet.parse(Integer.toString(cpu)))
                            .toList();
                    succeed(kloigos.initServer(InitServerRequest.of(address, "lab", "a", ranges)));
                },
                () -> succeed(kloigos.decommission(new DecommissionRequest(HOSTNAME, Tenants.REFUSE, DataDisks.KEEP))));
    }

    private Timed initByHand(int units) {
        return new Timed(() -> byHand("init.sh", FIRST_CPU, units), () -> byHand("undo.sh", units));
    }

    private Timed initByAnsible(int units) {
        return new Timed(
                () -> byAnsible("init.yml", "first=" + FIRST_CPU, "units=" + units), () -> byHand("undo.sh", units));
    }

    private void succeed(Operation operation) {
        Operation now = kloigos.await(operation.id());
        if (now.state() != Operation.State.SUCCEEDED) {
            throw new IllegalStateException(now.toString());
        }
        ended.add(now);
    }

    private void byHand(String script, Object... arguments) {
        List<String> argv = new ArrayList<>(List.of("bash", "-s", "--"));
        for (Object argument : arguments) {
            argv.add("'" + argument + "'");
        }
        start("{ :\n" + Scripts.read("by-hand/" + script) + "\n} </dev/null\n", argv.toArray(String[]::new));
    }

    private void byAnsible(String playbook, String... variables) {
        Path inventory = directory.resolve("inventory");
        Path file = directory.resolve(playbook);
        try {
            Files.writeString(file, Scripts.read("by-hand/ansible/" + playbook));
            Files.writeString(
                    inventory,
                    HOSTNAME + " ansible_host=" + lab.host() + " ansible_port=" + lab.port()
                            + " ansible_user=root ansible_ssh_private_key_file=" + lab.privateKey()
                            + " ansible_python_interpreter=/usr/bin/python3\n");
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        List<String> argv = new ArrayList<>(List.of("ansible-playbook", "-i", inventory.toString()));
        for (String variable : variables) {
            argv.addAll(List.of("-e", variable));
        }
        argv.add(file.toString());
        ProcessBuilder ansible = new ProcessBuilder(argv);
        ansible.environment()
                .putAll(Map.of(
                        "ANSIBLE_PIPELINING",
                        "1",
                        "ANSIBLE_SSH_ARGS",
                        "-F none -o LogLevel=ERROR -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile="
                                + lab.knownHosts()));
        start("", ansible);
    }

    /** Runs {@code ssh} with these words and this input to its end. */
    private void start(String input, String... words) {
        List<String> argv = new ArrayList<>(ssh);
        argv.addAll(words[0].startsWith("-") ? argv.size() - 1 : argv.size(), List.of(words));
        start(input, new ProcessBuilder(argv));
    }

    private void start(String input, ProcessBuilder command) {
        try {
            Process process = command.redirectErrorStream(true)
                    .redirectOutput(output.toFile())
                    .start();
            process.getOutputStream().write(input.getBytes(StandardCharsets.UTF_8));
            process.getOutputStream().close();
            if (process.waitFor() != 0) {
                throw new IllegalStateException(String.join(" ", command.command()) + ": " + Files.readString(output));
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** The first pair warms up and does not count. */
    private static List<Pair> pairs(int pairs, Timed kloigos, Timed byHand) {
        return IntStream.rangeClosed(0, pairs)
                .mapToObj(i -> pair(i, kloigos, byHand))
                .skip(1)
                .toList();
    }

    /** Each side goes first every other time. */
    private static Pair pair(int round, Timed kloigos, Timed byHand) {
        if (round % 2 == 0) {
            double first = millis(kloigos);
            return new Pair(first, millis(byHand));
        }
        double first = millis(byHand);
        return new Pair(millis(kloigos), first);
    }

    private static double millis(Timed timed) {
        long start = System.nanoTime();
        timed.run().run();
        double millis = (System.nanoTime() - start) / 1e6;
        timed.after().run();
        return millis;
    }

    private static void print(String what, List<Pair> pairs) {
        System.out.printf(
                Locale.ROOT,
                "%-24s %12.0f %12.0f   %.2f (%.2f-%.2f)%n",
                what,
                median(pairs.stream().mapToDouble(Pair::kloigos)),
                median(pairs.stream().mapToDouble(Pair::byHand)),
                median(pairs.stream().mapToDouble(Pair::ratio)),
                pairs.stream().mapToDouble(Pair::ratio).min().orElseThrow(),
                pairs.stream().mapToDouble(Pair::ratio).max().orElseThrow());
    }

    private static double median(DoubleStream values) {
        double[] sorted = values.sorted().toArray();
        return sorted[sorted.length / 2];
    }

    @Override
    public void close() {
        kloigos.close();
        start("", "-O", "exit");
    }
}
