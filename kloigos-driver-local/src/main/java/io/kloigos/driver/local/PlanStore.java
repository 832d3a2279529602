package io.kloigos.driver.local;

import io.kloigos.model.Sha256;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.StepReport;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.attribute.FileAttribute;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import jnr.constants.platform.OpenFlags;
import jnr.posix.POSIX;

/**
 * The locks of plans and what became of them, as files that outlive this program but not a reboot, and the fences seen, which
 * outlive that too. The SSH driver keeps locks, fences and cancellations in the same files.
 */
final class PlanStore {
    private static final Duration KEPT = Duration.ofDays(1);
    private static final long LOOK_AGAIN_MILLIS = 10;
    private static final String CANCELLED = "cancelled";
    private static final int LOCK_SHARED = 1;
    private static final int LOCK_EXCLUSIVE = 2;
    private static final int NO_WAIT = 4;
    private static final int O_CLOEXEC = 0x80000;
    private static final FileAttribute<?> OWNER_ONLY =
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------"));

    private final POSIX posix;
    private final Path directory;
    private final Path fences;

    PlanStore(POSIX posix, Path directory, Path fences) {
        this.posix = posix;
        this.directory = directory;
        this.fences = fences;
    }

    /** Makes the directory for locks and outcomes. */
    void prepare() throws IOException {
        Files.createDirectories(directory.resolve("plans"), OWNER_ONLY);
    }

    /** Makes a directory for one use, beside that for locks and outcomes: a plan may take the latter away. */
    Path scratch() throws IOException {
        return Files.createTempDirectory(directory.getParent(), "kloigos-", OWNER_ONLY);
    }

    /** Locks that are held, by their file descriptors. */
    final class Held implements AutoCloseable {
        private final List<Integer> descriptors = new ArrayList<>();

        @Override
        public void close() {
            descriptors.forEach(posix::close);
            descriptors.clear();
        }
    }

    /** Takes the locks of a scope, or returns nothing if they could not be had in time. */
    Optional<Held> lock(HostPlan.Scope scope, Deadline deadline) throws IOException {
        Held held = new Held();
        boolean taken = scope.isHost()
                ? take(held, "host.lock", LOCK_EXCLUSIVE, deadline)
                : take(held, "host.lock", LOCK_SHARED, deadline)
                        && take(held, name(scope) + ".lock", LOCK_EXCLUSIVE, deadline);
        if (taken) {
            return Optional.of(held);
        }
        held.close();
        return Optional.empty();
    }

    private boolean take(Held held, String name, int kind, Deadline deadline) throws IOException {
        int flags = OpenFlags.O_RDWR.intValue() | OpenFlags.O_CREAT.intValue() | O_CLOEXEC;
        int descriptor = posix.open(directory.resolve(name).toString(), flags, 0600);
        if (descriptor < 0) {
            throw new IOException("cannot open " + directory.resolve(name) + ": " + posix.strerror(posix.errno()));
        }
        held.descriptors.add(descriptor);
        while (posix.flock(descriptor, kind | NO_WAIT) != 0) {
            if (deadline.isOver() || Thread.currentThread().isInterrupted()) {
                return false;
            }
            Deadline.pause(LOOK_AGAIN_MILLIS);
        }
        return true;
    }

    private static String name(HostPlan.Scope scope) {
        return scope.isHost() ? "host" : "unit-" + scope.unit();
    }

    /** Returns the highest fence that plans of this scope must reach, and remembers the plan's if it does. */
    long fence(HostPlan plan) throws IOException {
        Files.createDirectories(fences, OWNER_ONLY);
        long highest = 0;
        if (plan.scope().isHost()) {
            try (DirectoryStream<Path> files = Files.newDirectoryStream(fences, "[!.]*")) {
                for (Path file : files) {
                    highest = Math.max(highest, seen(file));
                }
            }
        } else {
            highest = Math.max(seen(fences.resolve("host")), seen(fences.resolve(name(plan.scope()))));
        }
        if (plan.fence() > 0 && plan.fence() >= highest) {
            // Whatever ends this half way, the host remembers the old fence or the new one.
            Path file = fences.resolve(name(plan.scope()));
            Path written = fences.resolve("." + name(plan.scope()));
            Files.writeString(written, plan.fence() + "\n");
            Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
        }
        return highest;
    }

    private static long seen(Path file) throws IOException {
        if (!Files.exists(file)) {
            return 0;
        }
        String text = Files.readString(file).strip();
        try {
            return Long.parseLong(text);
        } catch (NumberFormatException e) {
            throw new IOException(file + " holds no fence, but: " + text, e);
        }
    }

    /** Makes {@link #isCancelled} true for a plan. */
    void cancel(String planId) throws IOException {
        Files.writeString(cancellation(planId), "");
    }

    boolean isCancelled(String planId) {
        return Files.exists(cancellation(planId));
    }

    private Path cancellation(String planId) {
        return directory.resolve("plans").resolve(planId + ".cancel");
    }

    /** Returns what became of the plan, if it came to its end. */
    Optional<PlanReport> find(HostPlan plan) throws IOException {
        Path file = file(plan);
        if (!Files.exists(file)) {
            return Optional.empty();
        }
        List<StepReport> steps = new ArrayList<>();
        StringBuilder detail = new StringBuilder();
        boolean cancelled = false;
        for (String line : Files.readString(file).split("\n", -1)) {
            String[] fields = line.split("\t", 4);
            if (fields[0].equals("detail")) {
                detail.append(detail.length() == 0 ? "" : "\n").append(line.substring("detail\t".length()));
            } else if (fields[0].equals("ended")) {
                steps.add(new StepReport(
                        Integer.parseInt(fields[1]),
                        StepReport.Outcome.valueOf(fields[2]),
                        Long.parseLong(fields[3]),
                        detail.toString()));
                detail.setLength(0);
            } else if (line.equals(CANCELLED)) {
                cancelled = true;
            }
        }
        return Optional.of(cancelled ? PlanReport.cancelled(steps) : PlanReport.of(steps));
    }

    /** Keeps the outcome, unless the plan took the directory away: then nothing of Kloigos is to be left. */
    void keep(HostPlan plan, PlanReport report) throws IOException {
        if (!Files.isDirectory(directory.resolve("plans"))) {
            return;
        }
        StringBuilder out = new StringBuilder();
        for (StepReport step : report.steps()) {
            if (!step.detail().isEmpty()) {
                for (String line : step.detail().split("\n", -1)) {
                    out.append("detail\t").append(line).append('\n');
                }
            }
            out.append("ended\t" + step.index() + "\t" + step.outcome() + "\t" + step.millis() + "\n");
        }
        if (report.end() == PlanReport.End.CANCELLED) {
            out.append(CANCELLED).append('\n');
        }
        Path file = file(plan);
        Path written = file.resolveSibling(file.getFileName() + ".new");
        Files.writeString(written, out);
        Files.move(written, file, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Forgets the outcomes of yesterday. */
    void prune(InstantSource clock) throws IOException {
        try (DirectoryStream<Path> plans = Files.newDirectoryStream(directory.resolve("plans"))) {
            for (Path plan : plans) {
                if (Files.isRegularFile(plan)
                        && Files.getLastModifiedTime(plan)
                                .toInstant()
                                .isBefore(clock.instant().minus(KEPT))) {
                    Files.deleteIfExists(plan);
                }
            }
        }
    }

    private Path file(HostPlan plan) {
        String hash = Sha256.of(plan.scope() + "\n" + plan.steps()).hex().substring(0, 16);
        return directory.resolve("plans").resolve(plan.id() + "-" + hash + ".local");
    }
}
