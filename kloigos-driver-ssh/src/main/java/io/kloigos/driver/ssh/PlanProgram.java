package io.kloigos.driver.ssh;

import io.kloigos.model.Sha256;
import io.kloigos.model.Trace;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.UnitAccount;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Objects;

/**
 * A plan, or readings, as a POSIX shell program. What it does is defined in the last function, which the last line calls: a program that
 * is cut short in transfer does nothing.
 *
 * @param command the exec that reads the program, for a plan after it took the plan's locks
 * @param text the program
 */
record PlanProgram(String command, String text) {
    /** Where hosts keep locks and outcomes; gone after a reboot, as everything that ran is. */
    static final String DIRECTORY = "/run/kloigos";

    /** Where hosts keep the highest fences seen: a reboot of the host is no reason to obey an outdated control plane. */
    static final String FENCES = "/var/lib/kloigos/fences";

    /** After this, a plan that was asked to end is killed. */
    static final Duration KILL_DELAY = Duration.ofSeconds(10);

    /**
     * Directories on a host.
     *
     * @param plans for locks and outcomes
     * @param fences for the highest fence seen of each scope
     */
    record Directories(String plans, String fences) {
        /** The directories of real hosts. */
        static final Directories USUAL = new Directories(DIRECTORY, FENCES);
    }

    /** After this, readings are ended. */
    static final Duration READ_LIMIT = Duration.ofMinutes(5);

    /** So long that the shell would look through it for longer than a process takes that reads it. */
    private static final String MOUNTS = "/proc/self/mountinfo";

    private static final int HASH_DIGITS = 16;
    private static final String BEGIN = resource("begin.sh");
    private static final String APPLY = resource("apply.sh");
    private static final String TENANT = resource("tenant.sh");

    /**
     * Returns the program for {@code plan}.
     *
     * @param directories where the host keeps what it knows of plans
     * @param lockTimeout how long the program waits for its locks
     */
    static PlanProgram of(HostPlan plan, Directories directories, Duration lockTimeout) {
        List<String> lines = new ArrayList<>();
        for (Step step : plan.steps()) {
            lines.add("step " + lines.size() + " " + ShellQuoting.command(call(step)) + " || return 0");
        }
        String steps = String.join("\n", lines) + "\n";
        String scope = scope(plan.scope());
        String name = plan.id() + "-" + hash(scope + "\n" + steps);
        boolean needsTenant = plan.steps().stream().anyMatch(PlanProgram::concernsTenant);
        String text = APPLY
                + (needsTenant ? TENANT : "")
                + "plan() {\nbegin "
                + ShellQuoting.command(List.of(
                        directories.plans(), scope, name, plan.id(), directories.fences(), Long.toString(plan.fence())))
                + " || return 0\n"
                // Allocations are not made to wait for that.
                + (plan.scope().isHost() || needsTenant ? "prune\n" : "")
                + steps
                + "end completed || return 0\n}\n"
                + "plan </dev/null 8>&- 9>&-\n";
        List<String> command = List.of(
                "sh",
                "-c",
                BEGIN,
                "kloigos",
                directories.plans(),
                scope,
                plan.id(),
                seconds(lockTimeout),
                seconds(plan.timeLimit()),
                seconds(KILL_DELAY));
        return new PlanProgram(ShellQuoting.command(command), text);
    }

    /** Returns the command that makes the host begin no further step of a plan. */
    static String cancel(String planId, Directories directories) {
        String plans = directories.plans() + "/plans";
        return ShellQuoting.command(List.of(
                "sh",
                "-c",
                "mkdir -p -m 700 -- \"$1\" && : >\"$1/$2.cancel\" && echo cancelled",
                "kloigos",
                plans,
                planId));
    }

    /** Returns a program that prints what {@link ReadingsText} takes apart; it too does nothing if it is cut short. */
    static PlanProgram reading(List<Reading> readings) {
        StringBuilder text = new StringBuilder(APPLY);
        boolean needsTenant = readings.stream().anyMatch(Reading.Traces.class::isInstance);
        text.append(needsTenant ? TENANT : "").append("readings() {\n");
        text.append(needsTenant ? "make_scratch || return\n" : "");
        List<String> kernelFiles = kernelFiles(readings);
        if (kernelFiles.size() > 1) {
            text.append("look_ahead ").append(ShellQuoting.command(kernelFiles)).append('\n');
        }
        text.append("printf '" + ReadingsText.BEGIN + "\\n'\n");
        readings.forEach(reading -> text.append("reading ")
                .append(ShellQuoting.command(reader(reading)))
                .append('\n'));
        text.append("printf '" + ReadingsText.END + "\\n'\n}\nreadings </dev/null\n");
        // Bytes are counted where the shell began in this locale.
        return new PlanProgram(
                "env LC_ALL=C timeout -k " + seconds(KILL_DELAY) + " " + seconds(READ_LIMIT) + " sh -s",
                text.toString());
    }

    /** Returns what the shell cannot read by itself, as {@code file_text} says. */
    private static List<String> kernelFiles(List<Reading> readings) {
        return readings.stream()
                .filter(Reading.FileText.class::isInstance)
                .map(reading -> ((Reading.FileText) reading).path())
                .filter(path -> path.matches("/(proc|sys)/.*") && !path.startsWith("/sys/fs/cgroup/"))
                .filter(path -> !path.equals(MOUNTS))
                .distinct()
                .toList();
    }

    /** Returns the resource without comments and indentation, which the host does not need. */
    static String resource(String name) {
        try (InputStream in = Objects.requireNonNull(PlanProgram.class.getResourceAsStream(name), name)) {
            StringBuilder out = new StringBuilder();
            new String(in.readAllBytes(), StandardCharsets.UTF_8)
                    .lines()
                    .filter(line -> !line.isBlank() && !line.stripLeading().startsWith("#"))
                    .forEach(line -> out.append(line.stripLeading()).append('\n'));
            return out.toString();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static String scope(HostPlan.Scope scope) {
        if (scope.isHost()) {
            return "host";
        }
        return "unit-" + scope.unit();
    }

    private static String hash(String text) {
        return Sha256.of(APPLY + TENANT + text).hex().substring(0, HASH_DIGITS);
    }

    private static String seconds(Duration duration) {
        return String.format(Locale.ROOT, "%d.%03d", duration.toSeconds(), duration.toMillisPart());
    }

    private static boolean concernsTenant(Step step) {
        return step instanceof Step.Erasure
                || (step instanceof Step.Expectation expectation && expectation.reading() instanceof Reading.Traces);
    }

    /** Returns the shell function that does the step, and its arguments. */
    private static List<String> call(Step step) {
        if (step instanceof Step.Directories directories) {
            return words(
                    List.of("make_directories", owner(directories.access()), mode(directories.access())),
                    directories.paths());
        }
        if (step instanceof Step.TextFile file) {
            return words("text_file", file.path(), owner(file.access()), mode(file.access()), file.content());
        }
        if (step instanceof Step.AppendedLines appended) {
            return words(List.of("appended_lines", appended.path()), appended.lines());
        }
        if (step instanceof Step.RemovedLines removed) {
            return words(List.of("removed_lines", removed.path()), removed.lines());
        }
        if (step instanceof Step.Removal removal) {
            return words("removal", removal.path());
        }
        if (step instanceof Step.Emptying emptying) {
            return words("emptying", emptying.path());
        }
        if (step instanceof Step.Command command) {
            return words(List.of("run", command.stdin()), command.argv());
        }
        if (step instanceof Step.Ensure ensure) {
            Condition condition = ensure.condition();
            String exit = condition.holdsOn().name().toLowerCase(Locale.ROOT);
            return words(List.of("ensure", exit, ShellQuoting.command(condition.argv())), ensure.argv());
        }
        if (step instanceof Step.DiskFormat format) {
            return words("disk_format", format.device(), format.type().toString(), format.label());
        }
        if (step instanceof Step.Erasure erasure) {
            return words(List.of("erasure"), tenant(erasure.trace(), erasure.tenant()));
        }
        if (step instanceof Step.Expectation expectation) {
            String hundredths = Long.toString(expectation.within().toMillis() / 10);
            return words(List.of("expectation", expectation.expected(), hundredths), reader(expectation.reading()));
        }
        throw new IllegalArgumentException("no such step: " + step.describe());
    }

    private static List<String> reader(Reading reading) {
        if (reading instanceof Reading.FileText file) {
            return words("file_text", file.path());
        }
        if (reading instanceof Reading.FileLine line) {
            return words("file_line", line.path(), line.prefix());
        }
        if (reading instanceof Reading.Output output) {
            return words(List.of("output"), output.argv());
        }
        if (reading instanceof Reading.OutputLine line) {
            return words(List.of("output_line", line.prefix()), line.argv());
        }
        if (reading instanceof Reading.Entries entries) {
            return words(List.of("entries"), entries.paths());
        }
        if (reading instanceof Reading.QuotaLimits quota) {
            String kind = quota.kind() == Reading.QuotaKind.USER ? "-u" : "-P";
            return words(
                    List.of("quota_limits", kind, quota.mountPoint()),
                    quota.ids().stream().map(String::valueOf).toList());
        }
        if (reading instanceof Reading.Traces traces) {
            return words(List.of("traces"), tenant(traces.trace(), traces.tenant()));
        }
        throw new IllegalArgumentException("no such reading: " + reading.describe());
    }

    private static List<String> tenant(Trace trace, UnitAccount tenant) {
        return words(List.of(trace.toString(), tenant.user(), Integer.toString(tenant.uid())), tenant.directories());
    }

    private static String owner(Step.Access access) {
        return access.uid() + ":" + access.gid();
    }

    private static String mode(Step.Access access) {
        return Integer.toOctalString(access.mode());
    }

    private static List<String> words(String... words) {
        return List.of(words);
    }

    private static List<String> words(List<String> first, List<String> second) {
        List<String> all = new ArrayList<>(first);
        all.addAll(second);
        return all;
    }
}
