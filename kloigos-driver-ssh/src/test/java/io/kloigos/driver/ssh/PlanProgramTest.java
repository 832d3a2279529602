package io.kloigos.driver.ssh;

import static io.kloigos.spi.StepReport.Outcome.CHANGED;
import static io.kloigos.spi.StepReport.Outcome.FAILED;
import static io.kloigos.spi.StepReport.Outcome.UNCHANGED;
import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.spi.Condition;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.locks.LockSupport;
import java.util.stream.Stream;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Every step but those that need a host of their own, in a real shell. */
class PlanProgramTest {
    @TempDir
    Path temp;

    private LocalShell shell;
    private Path root;
    private int me;

    @BeforeEach
    void prepare() throws Exception {
        shell = new LocalShell(temp.resolve("run"));
        root = Files.createDirectory(temp.resolve("root"));
        me = (Integer) Files.getAttribute(root, "unix:uid");
    }

    private Access access(int mode) {
        return new Access(me, mode);
    }

    private String mode(Path path) throws Exception {
        return PosixFilePermissions.toString(Files.getPosixFilePermissions(path, LinkOption.NOFOLLOW_LINKS));
    }

    private String at(String name) {
        return root.resolve(name).toString();
    }

    // ---- fences ----

    @Test
    void aFenceIsReplacedAndNeverOverwritten() throws Exception {
        Path fences = temp.resolve("run/fences");
        Path fence = fences.resolve("host");
        shell.apply(LocalShell.plan(Step.Command.of("true")).fencedBy(7));
        Path before = Files.createLink(temp.resolve("before"), fence);

        shell.apply(LocalShell.plan(Step.Command.of("true")).fencedBy(8));

        assertThat(fence).hasContent("8");
        assertThat(before)
                .as("what is read after a crash, or when the disk is full")
                .hasContent("7");
        assertThat(names(fences)).containsExactly("host");
    }

    // ---- files ----

    @Test
    void aDirectoryIsMadeThenKeptThenMended() throws Exception {
        Step step = new Step.Directories(at("d"), access(0750));
        assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
        assertThat(mode(root.resolve("d"))).isEqualTo("rwxr-x---");
        assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
        Files.setPosixFilePermissions(root.resolve("d"), PosixFilePermissions.fromString("rwxrwxrwx"));
        assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
        assertThat(mode(root.resolve("d"))).isEqualTo("rwxr-x---");
    }

    @Test
    void aDirectoryNeitherFollowsALinkNorReplacesAFileNorMakesItsParent() throws Exception {
        Files.createSymbolicLink(root.resolve("link"), temp);
        assertThat(shell.apply(new Step.Directories(at("link"), access(0700))).detail())
                .contains("is a symbolic link");
        Files.writeString(root.resolve("file"), "");
        assertThat(shell.apply(new Step.Directories(at("file"), access(0700))).detail())
                .contains("is no directory");
        assertThat(shell.apply(new Step.Directories(at("a/b"), access(0700))).detail())
                .contains("does not exist");
    }

    @Test
    void aFileIsWrittenOnceAndReplacedWhenItDiffers() throws Exception {
        for (String content : List.of(
                "",
                "\n",
                "one",
                "one\n",
                "one\ntwo\n",
                "no\nend",
                "\n\n",
                "tab\t 'quote' $(x) \\n %s",
                "ü€\n",
                "x".repeat(20_000))) {
            Step step = new Step.TextFile(at("f"), content, access(0644));
            assertThat(shell.apply(step).outcome()).as(content).isEqualTo(CHANGED);
            assertThat(Files.readString(root.resolve("f"))).isEqualTo(content);
            assertThat(mode(root.resolve("f"))).isEqualTo("rw-r--r--");
            assertThat(shell.apply(step).outcome()).as(content).isEqualTo(UNCHANGED);
        }
        assertThat(names(root)).containsExactly("f");
    }

    @Test
    void aFilesModeIsSetAndMended() throws Exception {
        for (int mode : new int[] {0600, 0644, 0640, 0755, 0400}) {
            Step step = new Step.TextFile(at("m" + mode), "x", access(mode));
            assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
            assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
            assertThat((Integer) Files.getAttribute(root.resolve("m" + mode), "unix:mode") & 07777)
                    .isEqualTo(mode);
            Files.setPosixFilePermissions(root.resolve("m" + mode), PosixFilePermissions.fromString("rw-rw-rw-"));
            assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
            assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
        }
    }

    @Test
    void aFileReplacesALinkAndLeavesItsTarget() throws Exception {
        Path target = Files.writeString(temp.resolve("target"), "same");
        Files.createSymbolicLink(root.resolve("f"), target);
        assertThat(shell.apply(new Step.TextFile(at("f"), "same", access(0600))).outcome())
                .isEqualTo(CHANGED);
        assertThat(Files.isSymbolicLink(root.resolve("f"))).isFalse();
        assertThat(Files.readString(target)).isEqualTo("same");
    }

    @Test
    void noLinkIsFollowedWhereOthersMayPlaceOne() throws Exception {
        Path open = Files.createDirectory(root.resolve("open"));
        Files.setAttribute(open, "unix:mode", 01777);
        Path elsewhere = Files.createDirectory(temp.resolve("elsewhere"));
        Files.writeString(elsewhere.resolve("f"), "precious\n");
        Files.createSymbolicLink(open.resolve("way"), elsewhere);
        String through = open.resolve("way") + "/f";
        for (Step step : List.of(
                new Step.TextFile(through, "x", access(0644)),
                new Step.Directories(open.resolve("way") + "/d", access(0700)),
                new Step.AppendedLines(through, List.of("x")),
                new Step.RemovedLines(through, List.of("precious")),
                new Step.Removal(through),
                new Step.Emptying(open.resolve("way").toString()))) {
            assertThat(shell.apply(step).outcome()).as(step.describe()).isEqualTo(FAILED);
        }
        assertThat(Files.readString(elsewhere.resolve("f"))).isEqualTo("precious\n");
        assertThat(names(elsewhere)).containsExactly("f");
    }

    @Test
    void linesAreAppendedOnceToAFileThatExists() throws Exception {
        Step step = new Step.AppendedLines(at("f"), List.of("two", "three 'x' \\n"));
        assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
        assertThat(root.resolve("f")).doesNotExist();
        Files.writeString(root.resolve("f"), "one\ntwo\nno end");
        assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
        assertThat(Files.readString(root.resolve("f"))).isEqualTo("one\ntwo\nno end\nthree 'x' \\n\n");
        assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
    }

    @Test
    void linesAreRemovedWhereverTheyStandAndTheFileStaysItself() throws Exception {
        Step step = new Step.RemovedLines(at("f"), List.of("a.c", "-x"));
        assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
        Files.writeString(root.resolve("f"), "a.c\nabc\n-x\na.c\nlast\n");
        Files.setPosixFilePermissions(root.resolve("f"), PosixFilePermissions.fromString("rw-r-----"));
        StepReport report = shell.apply(step);
        assertThat(report.outcome()).as(report.detail()).isEqualTo(CHANGED);
        assertThat(Files.readString(root.resolve("f"))).isEqualTo("abc\nlast\n");
        assertThat(mode(root.resolve("f"))).isEqualTo("rw-r-----");
        assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
        assertThat(names(root)).containsExactly("f");
    }

    @Test
    void anythingIsRemovedAndLinksAreNotFollowed() throws Exception {
        Path precious = Files.createDirectory(temp.resolve("precious"));
        Files.writeString(precious.resolve("f"), "x");
        Path tree = Files.createDirectories(root.resolve("t/a/b"));
        Files.createSymbolicLink(tree.resolve("way"), precious);
        Files.createDirectory(root.resolve("t/shut"));
        Files.setPosixFilePermissions(root.resolve("t/shut"), PosixFilePermissions.fromString("---------"));
        Files.createSymbolicLink(root.resolve("dangling"), root.resolve("nothing"));
        assertThat(shell.apply(new Step.Removal(at("t"))).outcome()).isEqualTo(CHANGED);
        assertThat(shell.apply(new Step.Removal(at("t"))).outcome()).isEqualTo(UNCHANGED);
        assertThat(shell.apply(new Step.Removal(at("dangling"))).outcome()).isEqualTo(CHANGED);
        assertThat(names(root)).isEmpty();
        assertThat(names(precious)).containsExactly("f");
    }

    @Test
    void aDirectoryIsEmptiedAndStaysItself() throws Exception {
        Path directory = Files.createDirectory(root.resolve("d"));
        Object inode = Files.getAttribute(directory, "unix:ino");
        assertThat(shell.apply(new Step.Emptying(at("d"))).outcome()).isEqualTo(UNCHANGED);
        Files.writeString(directory.resolve(".hidden"), "");
        Files.writeString(directory.resolve("..odd"), "");
        Files.writeString(directory.resolve("-rf"), "");
        Files.createDirectories(directory.resolve("a b/c\nd"));
        assertThat(shell.apply(new Step.Emptying(at("d"))).outcome()).isEqualTo(CHANGED);
        assertThat(names(directory)).isEmpty();
        assertThat(Files.getAttribute(directory, "unix:ino")).isEqualTo(inode);
        assertThat(shell.apply(new Step.Emptying(at("missing"))).outcome()).isEqualTo(UNCHANGED);
    }

    @Test
    void deepAndWideTreesAreEmptied() throws Exception {
        LocalShell.run(
                "cd " + root + " && mkdir d && cd d && seq -f n%g 5000 | xargs touch && deep=$(printf 'deeper12/%.0s'"
                        + " $(seq 100)) && for i in $(seq 30); do mkdir -p $deep && cd -P $deep || break; done;"
                        + " pwd -P | wc -c",
                "");
        StepReport report = shell.apply(new Step.Emptying(at("d")));
        assertThat(report.outcome()).as(report.detail()).isEqualTo(CHANGED);
        assertThat(names(root.resolve("d"))).isEmpty();
    }

    // ---- commands ----

    @Test
    void aCommandGetsItsArgumentsAndItsInputAndNothingElse() throws Exception {
        for (String input : List.of("", "x", "x\n", "'$(x)'\nlast", "y".repeat(100_000))) {
            Step step = new Step.Command(
                    List.of(
                            "sh",
                            "-c",
                            "printf '%s|' \"$@\" >" + at("args") + "; cat >" + at("in"),
                            "x",
                            "a b",
                            "",
                            "$c"),
                    input);
            assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
            assertThat(Files.readString(root.resolve("in"))).isEqualTo(input);
            assertThat(Files.readString(root.resolve("args"))).isEqualTo("a b||$c|");
        }
    }

    @Test
    void aFailedCommandStopsThePlanAndTellsWhatItSaid() throws Exception {
        PlanReport report = shell.apply(LocalShell.plan(
                Step.Command.of("true"),
                Step.Command.of("sh", "-c", "echo one; echo '  two\t$x' >&2; echo; exit 3"),
                new Step.TextFile(at("never"), "", access(0644))));
        assertThat(report.steps()).hasSize(2);
        StepReport failure = report.failure().orElseThrow();
        assertThat(failure.index()).isEqualTo(1);
        assertThat(failure.detail()).endsWith("exited with 3:\none\n  two\t$x");
        assertThat(root.resolve("never")).doesNotExist();
    }

    @Test
    void whatAFailedCommandSaidIsCutToItsEnd() throws Exception {
        StepReport report = shell.apply(Step.Command.of("sh", "-c", "seq 100000; echo the end; false"));
        assertThat(report.detail()).endsWith("the end");
        assertThat(report.detail().length()).isLessThan(4300);
        assertThat(shell.apply(Step.Command.of("no-such-command")).detail()).contains("exited with 127", "not found");
    }

    @Test
    void ensuringRunsTheCommandOnlyIfNeededAndChecksItsEffect() throws Exception {
        Condition there = Condition.succeeds("test", "-e", at("it's"));
        Step step = Step.Ensure.that(there, "touch", at("it's"));
        assertThat(shell.apply(step).outcome()).isEqualTo(CHANGED);
        assertThat(shell.apply(step).outcome()).isEqualTo(UNCHANGED);
        Condition gone = Condition.fails("test", "-e", at("it's"));
        assertThat(shell.apply(Step.Ensure.that(gone, "rm", at("it's"))).outcome())
                .isEqualTo(CHANGED);
        assertThat(shell.apply(Step.Ensure.that(there, "true")).detail())
                .contains("true succeeded", "still this does not hold");
        assertThat(shell.apply(Step.Ensure.that(there, "false")).detail()).contains("false exited with 1");
    }

    // ---- looking ----

    @Test
    void anExpectationTellsWhatItFound() throws Exception {
        Files.writeString(root.resolve("f"), "\n one\ntwo 2 \n\n");
        assertThat(shell.apply(expect(new Reading.FileText(at("f")), "one\ntwo 2"))
                        .outcome())
                .isEqualTo(UNCHANGED);
        assertThat(shell.apply(expect(new Reading.FileText(at("f")), "three")).detail())
                .isEqualTo("expected three, found one\ntwo 2");
        assertThat(shell.apply(expect(new Reading.FileText(at("g")), "absent")).outcome())
                .isEqualTo(UNCHANGED);
        assertThat(shell.apply(expect(new Reading.FileLine(at("f"), "two"), "two 2"))
                        .outcome())
                .isEqualTo(UNCHANGED);
        assertThat(shell.apply(expect(new Reading.FileLine(at("f"), "tw*"), "absent"))
                        .outcome())
                .isEqualTo(UNCHANGED);
        assertThat(shell.apply(expect(new Reading.Output(List.of("echo", " a  b ")), "a  b"))
                        .outcome())
                .isEqualTo(UNCHANGED);
        assertThat(shell.apply(expect(new Reading.Output(List.of("false")), "x"))
                        .detail())
                .isEqualTo("expected x, found failed");
        String pids = LocalShell.run("cat /proc/sys/kernel/pid_max", "").strip();
        assertThat(shell.apply(expect(new Reading.FileText("/proc/sys/kernel/pid_max"), pids))
                        .detail())
                .isEmpty();
    }

    @Test
    void filesOfTheKernelAreReadTogetherAsEachByItself() throws Exception {
        List<String> paths = List.of(
                "/proc/sys/kernel/pid_max",
                "/proc/filesystems",
                "/proc/never",
                "/proc/sys/kernel/ostype",
                "/proc/sys/kernel/ostype",
                "/sys/devices/system/cpu/online");
        PlanProgram program = PlanProgram.reading(
                paths.stream().<Reading>map(Reading.FileText::new).toList());

        List<String> expected = new ArrayList<>();
        for (String path : paths) {
            expected.add(
                    path.equals("/proc/never")
                            ? "absent"
                            : LocalShell.run("cat " + path, "").strip());
        }
        assertThat(ReadingsText.parse(LocalShell.run(program.command(), program.text()), paths.size()))
                .contains(expected);
    }

    private static Step expect(Reading reading, String expected) {
        return new Step.Expectation(reading, expected);
    }

    // ---- the program ----

    @Test
    void aProgramThatIsCutShortDoesNothing() throws Exception {
        HostPlan plan = LocalShell.plan(new Step.TextFile(at("f"), "x", access(0644)));
        PlanProgram program = shell.program(plan);
        String text = program.text();
        int call = text.lastIndexOf("plan </dev/null");
        for (int length : new int[] {1, text.length() / 3, text.indexOf("plan() {") + 30, call - 3, call, call + 3}) {
            LocalShell.run(program.command(), text.substring(0, length));
            assertThat(root.resolve("f"))
                    .as("cut after %d of %d", length, text.length())
                    .doesNotExist();
        }
        assertThat(shell.apply(plan).failure()).isEmpty();
        assertThat(root.resolve("f")).exists();
    }

    @Test
    void theSamePlanIsNotAppliedTwice() throws Exception {
        HostPlan plan = LocalShell.plan(
                Step.Command.of("sh", "-c", "echo x >>" + at("f")), Step.Command.of("sh", "-c", "echo why; false"));
        PlanReport first = shell.apply(plan);
        assertThat(shell.apply(plan)).isEqualTo(first);
        assertThat(Files.readString(root.resolve("f"))).isEqualTo("x\n");
        HostPlan other = new HostPlan(
                plan.id(), plan.scope(), plan.timeLimit(), plan.steps().subList(0, 1));
        assertThat(shell.apply(other).failure()).isEmpty();
        assertThat(Files.readString(root.resolve("f"))).isEqualTo("x\nx\n");
    }

    @Test
    void aPlanThatWasCutShortIsAppliedFromTheStart() throws Exception {
        HostPlan plan = LocalShell.plan(
                Step.Command.of("sh", "-c", "echo x >>" + at("f")),
                Step.Ensure.that(Condition.succeeds("test", "-e", at("go")), "sh", "-c", "kill -9 $PPID"));
        String cut = LocalShell.run(
                shell.program(plan).command(), shell.program(plan).text());
        assertThat(cut).contains("ended\t0\tchanged").doesNotContain("done");
        Files.writeString(root.resolve("go"), "");
        assertThat(shell.apply(plan).steps()).extracting(StepReport::outcome).containsExactly(CHANGED, UNCHANGED);
        assertThat(Files.readString(root.resolve("f"))).isEqualTo("x\nx\n");
    }

    @Test
    void locksAreHeldAgainstOthersAndNotByWhatWasStarted() throws Exception {
        HostPlan slow = new HostPlan(
                "slow",
                HostPlan.Scope.unit("u1"),
                LocalShell.LIMIT,
                List.of(
                        Step.Command.of("sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $! >" + at("pid")),
                        Step.Command.of("sh", "-c", "mkfifo " + at("gate") + "; echo >" + at("gate"))));
        Process running = LocalShell.start(shell.program(slow).command());
        running.getOutputStream().write(shell.program(slow).text().getBytes(StandardCharsets.UTF_8));
        running.getOutputStream().close();
        while (!Files.exists(root.resolve("gate"))) {
            LockSupport.parkNanos(1_000_000);
        }
        try {
            for (HostPlan.Scope scope : List.of(HostPlan.Scope.host(), HostPlan.Scope.unit("u1"))) {
                HostPlan plan = new HostPlan("other", scope, LocalShell.LIMIT, List.of());
                assertThat(LocalShell.run(
                                shell.program(plan).command(),
                                shell.program(plan).text()))
                        .isEqualTo("@kloigos\tbusy\tslow\n");
            }
            HostPlan beside = new HostPlan("b", HostPlan.Scope.unit("u2"), LocalShell.LIMIT, List.of());
            assertThat(shell.apply(beside).steps()).isEmpty();
        } finally {
            Files.readString(root.resolve("gate"));
        }
        running.getInputStream().readAllBytes();
        long child = Long.parseLong(Files.readString(root.resolve("pid")).strip());
        assertThat(ProcessHandle.of(child)).isPresent();
        try {
            assertThat(shell.apply(LocalShell.plan()).steps()).isEmpty();
        } finally {
            ProcessHandle.of(child).ifPresent(ProcessHandle::destroyForcibly);
        }
    }

    @Test
    void aPlanOverItsLimitIsEndedWithItsChildren() throws Exception {
        HostPlan plan = new HostPlan(
                "long",
                HostPlan.Scope.host(),
                Duration.ofMillis(500),
                List.of(Step.Command.of("sh", "-c", "echo $$ >" + at("pid") + "; sleep 100; true")));
        LocalShell.run(shell.program(plan).command(), shell.program(plan).text());
        long child = Long.parseLong(Files.readString(root.resolve("pid")).strip());
        // Whoever adopted it may take its time to ask for it.
        Path status = Path.of("/proc/" + child + "/status");
        assertThat(Files.exists(status) ? Files.readString(status) : "State:\tZ")
                .contains("State:\tZ");
    }

    @Test
    void aPlansOutcomeIsForRootOnly() throws Exception {
        shell.apply(LocalShell.plan());
        assertThat(mode(temp.resolve("run"))).isEqualTo("rwx------");
        assertThat(mode(temp.resolve("run/plans"))).isEqualTo("rwx------");
    }

    private static List<String> names(Path directory) throws Exception {
        try (Stream<Path> entries = Files.list(directory)) {
            return entries.map(entry -> entry.getFileName().toString()).toList();
        }
    }
}
