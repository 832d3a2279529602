package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Trace;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.StepReport.Outcome;
import io.kloigos.spi.UnitAccount;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Collection;
import java.util.EnumSet;
import java.util.List;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;
import java.util.stream.Collectors;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What every host driver must do, as tests. Whoever writes a driver implements this interface in a test class and runs it.
 *
 * <p>The driver must act as root. On the host the tests change nothing but what is below {@link #scratchDirectory()}, and use
 * the commands {@code true}, {@code false}, {@code test}, {@code cat}, {@code cp}, {@code ln}, {@code touch} and {@code
 * sleep} only.
 */
@ExtendWith(ContractTally.class)
public interface HostDriverContract {
    /** Hosts remember fences, so every plan has a higher one than those of earlier runs. */
    AtomicLong FENCE = new AtomicLong(System.currentTimeMillis() * 1000);

    /** Returns the driver under test; whoever returns it closes it. */
    HostDriver driver();

    /** Returns the address of a host that the driver reaches, without a pinned key. */
    HostAddress host();

    /** Returns an empty directory on that host, in which only root may write. */
    String scratchDirectory();

    // -- facts and sessions -----------------------------------------------------------------------------------------

    @Test
    @DisplayName("facts can be printed and read back without loss")
    default void factsSurviveParsing() {
        try (HostSession session = driver().open(host())) {
            HostFacts facts = session.facts();

            assertThat(HostFacts.parse(facts.toString())).isEqualTo(facts);
            assertThat(facts.onlineCpus().isEmpty()).as("online CPUs are empty").isFalse();
            assertThat(facts.memory().bytes()).as("memory").isPositive();
            assertThat(facts.accounts()).containsEntry("root", 0);
            for (String path : List.of("/", "/home", "/opt", "/mnt", "/tmp", "/var/tmp", "/var/spool")) {
                assertThat(facts.mountOf(path).mountPoint())
                        .as("mount point of %s", path)
                        .startsWith("/");
            }
        }
    }

    @Test
    @DisplayName("facts tell of every CPU its core, package, NUMA node and last-level cache")
    default void factsTellTheTopology() {
        try (HostSession session = driver().open(host())) {
            HostFacts facts = session.facts();
            CpuTopology topology = facts.topology();

            assertPartition("cores", topology.siblings(), facts.onlineCpus());
            assertPartition("packages", topology.packages().values(), facts.onlineCpus());
            assertPartition(
                    "dies",
                    topology.packages().keySet().stream()
                            .flatMap(number -> topology.dies(number).stream())
                            .toList(),
                    facts.onlineCpus());
            assertPartition(
                    "NUMA nodes",
                    facts.nodes().values().stream().map(HostFacts.Node::cpus).toList(),
                    facts.onlineCpus());
            if (!topology.caches().isEmpty()) {
                assertPartition(
                        "last-level caches",
                        topology.caches().stream().map(CpuTopology.Cache::cpus).toList(),
                        facts.onlineCpus());
            }
            assertThat(topology.caches())
                    .allSatisfy(cache -> assertThat(cache.level()).as("level").isBetween(1, 5));
        }
    }

    private static void assertPartition(String what, Collection<CpuSet> parts, CpuSet whole) {
        assertThat(parts.stream().reduce(CpuSet.empty(), CpuSet::union))
                .as(what)
                .isEqualTo(whole);
        assertThat(parts.stream().mapToInt(CpuSet::count).sum())
                .as("CPUs of all %s, each counted once", what)
                .isEqualTo(whole.count());
    }

    @Test
    @DisplayName("a pinned host key is accepted, another is refused with HOST_KEY_MISMATCH")
    default void hostKeysArePinned() {
        String key;
        try (HostSession session = driver().open(host())) {
            key = session.facts().hostKey();
        }
        try (HostSession session = driver().open(host().pinned(key.isEmpty() ? null : key))) {
            assertThat(session.facts().hostKey()).isEqualTo(key);
        }
        HostAddress other = host().pinned("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
        assertThatThrownBy(() -> driver().open(other).facts())
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_KEY_MISMATCH));
    }

    @Test
    @DisplayName("closing a session twice does nothing")
    default void sessionsCloseTwice() {
        HostSession session = driver().open(host());
        session.close();
        session.close();
    }

    // -- directories and files --------------------------------------------------------------------------------------

    @Test
    @DisplayName("a directory is made once; another owner or mode is a change")
    default void directoriesAreIdempotent() {
        String path = workspace() + "/directory";

        assertThat(outcome(new Step.Directories(path, new Access(0, 0755)))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.Directories(path, new Access(0, 0755)))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(new Step.Directories(path, new Access(0, 0700)))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.Directories(path, new Access(54321, 0700)))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.Directories(path, new Access(54321, 0700)))).isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    @DisplayName("of several directories those that are missing are made, and those that are there are mended")
    default void directoriesAreMadeTogether() {
        String in = workspace();
        List<String> paths = List.of(in + "/one", in + "/it's two", in + "/-three");
        Access access = new Access(54321, 0700);
        succeed(new Step.Directories(paths.get(1), Access.rootDirectory()));

        assertThat(outcome(new Step.Directories(paths, access))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.Directories(paths, access))).isEqualTo(Outcome.UNCHANGED);
        expect(
                paths.stream().map(path -> "700 54321:54321 " + path).collect(Collectors.joining("\n")),
                new Reading.Entries(paths));
    }

    @Test
    @DisplayName("a directory is not made without its parent, nor where a file or a symbolic link stands")
    default void directoriesNeedTheirPlace() {
        String in = workspace();
        succeed(file(in + "/file", "text"), Step.Command.of("ln", "-s", in, in + "/link"));

        assertThat(failure(new Step.Directories(in + "/a/b", Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(new Step.Directories(in + "/file", Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(new Step.Directories(in + "/link", Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(new Step.Directories(List.of(in + "/one", in + "/file"), Access.rootDirectory())))
                .isNotBlank();
        assertThat(failure(new Step.Directories(List.of(in + "/one", in + "/one/below"), Access.rootDirectory())))
                .isNotBlank();
        expect("absent", new Reading.FileText(in + "/a"));
        expect("", new Reading.Entries(List.of(in + "/one")));
        expect("text", new Reading.FileText(in + "/file"));
    }

    @Test
    @DisplayName("a file is written once; another content, owner or mode is a change")
    default void textFilesAreIdempotent() {
        String path = workspace() + "/file";

        assertThat(outcome(file(path, "one\n"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(file(path, "one\n"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(file(path, "one"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(file(path, "one\n\n"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.TextFile(path, "one\n\n", new Access(0, 0600))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.TextFile(path, "one\n\n", new Access(54321, 0600))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.TextFile(path, "one\n\n", new Access(54321, 0600))))
                .isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    @DisplayName("a file takes the place of a symbolic link and leaves the link's target alone")
    default void textFilesReplaceLinks() {
        String in = workspace();
        succeed(file(in + "/target", "precious"), Step.Command.of("ln", "-s", in + "/target", in + "/link"));

        succeed(file(in + "/link", "new"));

        expect("new", new Reading.FileText(in + "/link"));
        expect("precious", new Reading.FileText(in + "/target"));
        assertThat(failure(new Step.TextFile(in, "text", Access.rootFile()))).isNotBlank();
    }

    @Test
    @DisplayName("quotes, line breaks, $(), Unicode and the like survive in contents, paths, arguments and input")
    default void everyTextSurvives() {
        List<String> texts = List.of(
                "'",
                "\"",
                "it's \"quoted\" 'twice' \\ \\\\ \\n \\0 \\'",
                "$(touch /never) `touch /never` ${HOME} $0 $$ !! ~ * ? [a] {b,c}",
                "first\nsecond\n\nfourth",
                "a; b & c | d > e < f # g",
                "%s %d %% %n",
                "-n",
                "tab\tand  spaces",
                "gr\u00fc\u00df \u6f22\u5b57 \ud83d\ude80 \u0301",
                "\u0001\u001b[31m\u007f",
                "carriage\rreturn",
                "EOF\nEOF\n'EOF'\ndone");
        String in = workspace();
        for (String text : texts) {
            String odd = in + "/" + text.replace('/', '_');
            assertThat(outcomes(
                            file(in + "/plain", text),
                            file(in + "/plain", text),
                            file(odd, text + "\n"),
                            Step.Command.of("cp", "--", odd, in + "/copied"),
                            new Step.Command(List.of("cp", "/dev/stdin", in + "/input"), text),
                            Step.Command.of("test", text, "=", text),
                            new Step.Expectation(new Reading.FileText(odd), text),
                            new Step.Expectation(new Reading.FileText(in + "/copied"), text),
                            new Step.Expectation(new Reading.FileText(in + "/input"), text),
                            new Step.Expectation(new Reading.Output(List.of("cat", odd)), text),
                            new Step.Removal(odd),
                            new Step.Removal(in + "/plain")))
                    .as(text)
                    .containsExactly(
                            Outcome.CHANGED,
                            Outcome.UNCHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED,
                            Outcome.UNCHANGED,
                            Outcome.UNCHANGED,
                            Outcome.UNCHANGED,
                            Outcome.UNCHANGED,
                            Outcome.CHANGED,
                            Outcome.CHANGED);
        }
        succeed(Step.Command.of("test", "!", "-e", "/never"));
        for (String ending : List.of("", "\n", "no end", "end\n", "ends\n\n", "\n\nbegins", " spaces ", "\\")) {
            assertThat(outcomes(
                            file(in + "/ending", "other"), file(in + "/ending", ending), file(in + "/ending", ending)))
                    .as("content \"%s\"", ending)
                    .containsExactly(Outcome.CHANGED, Outcome.CHANGED, Outcome.UNCHANGED);
        }
    }

    @Test
    @DisplayName("lines taken out leave a file as it was before they were appended, byte for byte")
    default void linesComeAndGo() {
        String in = workspace();
        List<String> lines = List.of("session required 'pam' $(x)", "# second \\ line");
        Access access = new Access(54321, 0640);
        for (String before :
                List.of("", "a\nb\n", "\n\n  a\t\n\n", "session required\nsession required 'pam' $(x) y\n")) {
            String path = in + "/lines";
            succeed(new Step.TextFile(path, before, access));

            assertThat(outcomes(
                            new Step.AppendedLines(path, lines),
                            new Step.AppendedLines(path, lines),
                            new Step.TextFile(path, before + String.join("\n", lines) + "\n", access)))
                    .as("lines appended to \"%s\"", before)
                    .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.UNCHANGED);

            assertThat(outcomes(
                            new Step.RemovedLines(path, lines),
                            new Step.RemovedLines(path, lines),
                            new Step.TextFile(path, before, access)))
                    .as("\"%s\" with the lines taken out again", before)
                    .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.UNCHANGED);
        }
    }

    @Test
    @DisplayName(
            "lines are appended where some are missing, after the end of the last line, and never to a missing file")
    default void onlyMissingLinesAreAppended() {
        String in = workspace();
        succeed(file(in + "/some", "b\nlast"));

        assertThat(outcome(new Step.AppendedLines(in + "/some", List.of("a", "b"))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(file(in + "/some", "b\nlast\na\n"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(new Step.RemovedLines(in + "/some", List.of("b", "c"))))
                .isEqualTo(Outcome.CHANGED);
        assertThat(outcome(file(in + "/some", "last\na\n"))).isEqualTo(Outcome.UNCHANGED);

        assertThat(outcome(new Step.AppendedLines(in + "/none", List.of("a")))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(new Step.RemovedLines(in + "/none", List.of("a")))).isEqualTo(Outcome.UNCHANGED);
        expect("absent", new Reading.FileText(in + "/none"));
    }

    // -- removal ----------------------------------------------------------------------------------------------------

    @Test
    @DisplayName("a removal takes a deep tree, and finds nothing the second time")
    default void deepTreesAreRemoved() {
        String top = workspace() + "/top";
        List<Step> steps = new ArrayList<>();
        StringBuilder path = new StringBuilder(top);
        for (int depth = 0; depth < 100; depth++) {
            steps.add(new Step.Directories(path.toString(), new Access(54321, depth % 2 == 0 ? 0700 : 0)));
            path.append("/d");
        }
        steps.add(file(path.append("eepest").toString(), "text"));
        succeed(steps.toArray(Step[]::new));

        assertThat(outcome(new Step.Removal(top))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.Removal(top))).isEqualTo(Outcome.UNCHANGED);
        succeed(Step.Command.of("test", "!", "-e", top));
    }

    @Test
    @DisplayName("a removal or emptying takes symbolic links and leaves their targets alone")
    default void targetsOfLinksAreLeft() {
        String in = workspace();
        succeed(
                new Step.Directories(in + "/target", Access.rootDirectory()),
                file(in + "/target/precious", "text"),
                new Step.Directories(in + "/tree", Access.rootDirectory()),
                Step.Command.of("ln", "-s", in + "/target", in + "/tree/link"),
                Step.Command.of("ln", "-s", in + "/target/precious", in + "/tree/file"),
                Step.Command.of("ln", "-s", in + "/nowhere", in + "/tree/dangling"),
                Step.Command.of("ln", "-s", in + "/target", in + "/link"));

        succeed(new Step.Removal(in + "/link"));
        assertThat(outcome(new Step.Emptying(in + "/tree"))).isEqualTo(Outcome.CHANGED);
        succeed(
                Step.Command.of("ln", "-s", in + "/target", in + "/tree/link"),
                Step.Command.of("ln", "-s", in + "/nowhere", in + "/dangling"),
                new Step.Removal(in + "/tree"));
        assertThat(outcome(new Step.Removal(in + "/dangling"))).isEqualTo(Outcome.CHANGED);

        expect("text", new Reading.FileText(in + "/target/precious"));
        succeed(Step.Command.of("test", "!", "-e", in + "/tree"), Step.Command.of("test", "!", "-L", in + "/link"));
    }

    @Test
    @DisplayName("an emptied directory stays itself; nothing at all is empty; a symbolic link is refused")
    default void emptiedDirectoriesStay() {
        String in = workspace();
        Access access = new Access(54321, 0700);
        succeed(
                new Step.Directories(in + "/full", access),
                file(in + "/full/.hidden", "text"),
                file(in + "/full/..odd", "text"),
                new Step.Directories(in + "/full/below", access),
                file(in + "/full/below/file", "text"),
                Step.Command.of("ln", "-s", in + "/full", in + "/link"));

        assertThat(failure(new Step.Emptying(in + "/link"))).isNotBlank();
        expect("text", new Reading.FileText(in + "/full/.hidden"));
        assertThat(outcome(new Step.Emptying(in + "/full"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(new Step.Emptying(in + "/full"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(new Step.Directories(in + "/full", access))).isEqualTo(Outcome.UNCHANGED);
        assertThat(outcome(new Step.Emptying(in + "/none"))).isEqualTo(Outcome.UNCHANGED);
        for (String gone : List.of(".hidden", "..odd", "below")) {
            succeed(Step.Command.of("test", "!", "-e", in + "/full/" + gone));
        }
    }

    // -- commands and conditions ------------------------------------------------------------------------------------

    @Test
    @DisplayName("a step that fails stops the plan and is reported with what the host said")
    default void aFailureStopsThePlan() {
        String in = workspace();

        PlanReport report = apply(
                new Step.Directories(in + "/before", Access.rootDirectory()),
                Step.Command.of("cp", in + "/missing", in + "/copy"),
                new Step.Directories(in + "/after", Access.rootDirectory()));

        assertThat(report.steps())
                .extracting(StepReport::index, StepReport::outcome)
                .containsExactly(
                        org.assertj.core.groups.Tuple.tuple(0, Outcome.CHANGED),
                        org.assertj.core.groups.Tuple.tuple(1, Outcome.FAILED));
        assertThat(report.failure().orElseThrow().detail()).contains("No such file or directory");
        succeed(Step.Command.of("test", "-d", in + "/before"), Step.Command.of("test", "!", "-e", in + "/after"));
    }

    @Test
    @DisplayName("a command that fails without a word, or does not exist, fails with a reason")
    default void failuresHaveAReason() {
        assertThat(failure(Step.Command.of("false"))).isNotBlank();
        assertThat(failure(Step.Command.of("kloigos-no-such-command"))).contains("kloigos-no-such-command");
        assertThat(outcome(Step.Command.of("true"))).isEqualTo(Outcome.CHANGED);
    }

    @Test
    @DisplayName("Ensure runs its command only if the condition does not hold, and then it must")
    default void ensureMakesAConditionHold() {
        String in = workspace();
        Condition there = Condition.succeeds("test", "-e", in + "/file");
        Condition gone = Condition.fails("test", "-e", in + "/file");

        assertThat(outcome(Step.Ensure.that(gone, "false"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(failure(Step.Ensure.that(there, "true"))).contains("test");
        assertThat(failure(Step.Ensure.that(there, "false"))).isNotBlank();
        assertThat(outcome(Step.Ensure.that(there, "touch", in + "/file"))).isEqualTo(Outcome.CHANGED);
        assertThat(outcome(Step.Ensure.that(there, "false"))).isEqualTo(Outcome.UNCHANGED);
        assertThat(failure(Step.Ensure.that(gone, "true"))).contains("test");
    }

    @Test
    @DisplayName("a plan that runs over its time limit is ended with HOST_TIMEOUT")
    default void endlessPlansAreEnded() {
        HostPlan plan = new HostPlan(
                id(),
                HostPlan.Scope.host(),
                FENCE.incrementAndGet(),
                Duration.ofSeconds(1),
                List.of(Step.Command.of("sleep", "600")));
        try (HostSession session = driver().open(host())) {
            assertThatThrownBy(() -> session.apply(plan, PlanListener.none()))
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_TIMEOUT));
        }
        succeed(Step.Command.of("true"));
    }

    // -- readings ---------------------------------------------------------------------------------------------------

    @Test
    @DisplayName("an expectation that is not met says what was expected and what was found")
    default void expectationsTellBoth() {
        String path = workspace() + "/file";
        succeed(file(path, " found-this \n"));

        assertThat(failure(new Step.Expectation(new Reading.FileText(path), "expected-that")))
                .contains("expected-that", "found-this");
        assertThat(outcome(new Step.Expectation(new Reading.FileText(path), "found-this")))
                .isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    @DisplayName("an expectation with time waits until it comes true, and fails when the time is over")
    default void expectationsMayComeTrue() throws InterruptedException {
        String path = workspace() + "/file";
        Step expectation = new Step.Expectation(new Reading.FileText(path), "come true", Duration.ofSeconds(30));
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<PlanReport> waiting = CompletableFuture.supplyAsync(() -> {
            try (HostSession session = driver().open(host())) {
                return session.apply(plan(HostPlan.Scope.unit("kloigos-one"), expectation), new PlanListener() {
                    @Override
                    public void begun(int index) {
                        begun.countDown();
                    }

                    @Override
                    public void ended(StepReport report) {}
                });
            }
        });
        assertThat(begun.await(30, TimeUnit.SECONDS))
                .as("the waiting plan began")
                .isTrue();
        assertThat(apply(plan(HostPlan.Scope.unit("kloigos-two"), file(path, "come true\n")))
                        .failure())
                .isEmpty();

        assertThat(waiting.join().failure()).isEmpty();
        assertThat(failure(new Step.Expectation(new Reading.FileText(path), "other", Duration.ofMillis(50))))
                .contains("come true", "other");
    }

    @Test
    @DisplayName("readings are texts without surrounding white space; what is not there reads as absent or failed")
    default void readingsAreTexts() {
        String path = workspace() + "/file";
        succeed(file(path, "\n key=1\nkey=2 \nkey=3\n\nother\n"));

        succeed(
                new Step.Expectation(new Reading.FileText(path), "key=1\nkey=2 \nkey=3\n\nother"),
                new Step.Expectation(new Reading.FileLine(path, "key="), "key=2"),
                new Step.Expectation(new Reading.FileLine(path, "none="), "absent"),
                new Step.Expectation(new Reading.FileLine(path + "-none", "key="), "absent"),
                new Step.Expectation(new Reading.FileText(path + "-none"), "absent"),
                new Step.Expectation(new Reading.Output(List.of("cat", path)), "key=1\nkey=2 \nkey=3\n\nother"),
                new Step.Expectation(new Reading.Output(List.of("cat", path + "-none")), "failed"),
                new Step.Expectation(new Reading.Output(List.of("false")), "failed"),
                new Step.Expectation(new Reading.Output(List.of("true")), ""),
                new Step.Expectation(new Reading.OutputLine(List.of("cat", path), "key="), "key=2"),
                new Step.Expectation(new Reading.OutputLine(List.of("cat", path), "none="), "absent"),
                new Step.Expectation(new Reading.OutputLine(List.of("false"), "key="), "failed"));
    }

    @Test
    @DisplayName("mode and owner of many paths are read at once, and what is not there is left out")
    default void entriesAreReadAtOnce() {
        String in = workspace();
        succeed(
                new Step.Directories(in + "/odd  one", new Access(20000, 0750)),
                new Step.TextFile(in + "/file", "text", new Access(0, 0600)),
                Step.Command.of("ln", "-s", in + "/none", in + "/link"));

        assertThat(read(List.of(
                        new Reading.Entries(List.of(in + "/link", in + "/none", in + "/odd  one", in + "/file")),
                        new Reading.Entries(List.of(in + "/none")))))
                .containsExactly(
                        "777 0:0 " + in + "/link\n750 20000:20000 " + in + "/odd  one\n600 0:0 " + in + "/file", "");
    }

    @Test
    @DisplayName("readings of every kind come back in one answer, in order, and are what an expectation finds")
    default void readingsComeInOrder() {
        String path = workspace() + "/file";
        succeed(file(path, "\n key=1\nkey=2 \nkey=3\n"));
        UnitAccount nobody = new UnitAccount("kloigos-nobody", 54321, List.of(path));
        List<Reading> readings = List.of(
                new Reading.Output(List.of("cat", path)),
                new Reading.FileLine(path, "none="),
                new Reading.FileText(path + "-none"),
                new Reading.FileLine(path, "key="),
                new Reading.OutputLine(List.of("cat", path), "key=3"),
                new Reading.Output(List.of("false")),
                new Reading.FileText(path),
                new Reading.FileLine(path + "-none", "key="),
                new Reading.Output(List.of("true")),
                new Reading.OutputLine(List.of("false"), "key="),
                new Reading.OutputLine(List.of("cat", path), "none="),
                new Reading.Traces(Trace.MOUNTS, nobody),
                new Reading.FileText(workspace()),
                new Reading.FileText(path));

        assertThat(read(readings))
                .containsExactly(
                        "key=1\nkey=2 \nkey=3",
                        "absent",
                        "absent",
                        "key=2",
                        "key=3",
                        "failed",
                        "key=1\nkey=2 \nkey=3",
                        "absent",
                        "",
                        "failed",
                        "absent",
                        Reading.Traces.NONE,
                        "absent",
                        "key=1\nkey=2 \nkey=3");
        assertThat(read(List.of())).isEmpty();
        for (Reading.QuotaKind kind : Reading.QuotaKind.values()) {
            Reading quota = new Reading.QuotaLimits(kind, List.of(54321, 54322), "/");
            expect(read(List.of(quota)).get(0), quota);
        }
    }

    @Test
    @DisplayName("whatever a file holds is read as it is, but for the white space around it")
    default void everyTextIsRead() {
        String in = workspace();
        List<String> texts = List.of(
                "'",
                "it's \"quoted\" 'twice' \\ \\\\ \\n \\0 \\'",
                "$(touch /never) `touch /never` ${HOME} $0 $$ !! ~ * ? [a] {b,c}",
                "first \n\n\tsecond\t\n  third",
                "\rcarriage\r\nreturns\r",
                "12\n@kloigos end\n34",
                "-n",
                "%s %d %% %n",
                "\u00e9\u00a0\u20ac \ud83d\ude80\u00a0",
                "many lines\n".repeat(2000) + "end",
                "long ".repeat(5000) + "end",
                "");
        List<Reading> readings = new ArrayList<>();
        List<String> expected = new ArrayList<>();
        for (String text : texts) {
            String path = in + "/text-" + readings.size();
            succeed(file(path, " \t\n" + text + "\n\t \n"));
            readings.add(new Reading.FileText(path));
            readings.add(new Reading.Output(List.of("cat", path)));
            expected.addAll(List.of(text, text));
        }

        assertThat(read(readings)).isEqualTo(expected);
        assertThat(read(List.of(new Reading.FileLine(in + "/text-8", "\rcarr"))))
                .containsExactly("\rcarriage\r");
        succeed(Step.Command.of("test", "!", "-e", "/never"));
    }

    @Test
    @DisplayName("reading waits for no plan, and a plan that is at work is not disturbed by it")
    default void readingTakesNoLock() {
        String path = workspace() + "/file";
        List<String> read = new ArrayList<>();
        HostPlan plan = plan(HostPlan.Scope.host(), file(path, "one"), Step.Command.of("true"), file(path, "two"));
        try (HostSession session = driver().open(host())) {
            PlanReport report = session.apply(plan, new PlanListener() {
                @Override
                public void begun(int index) {
                    if (index == 0) {
                        read.addAll(read(List.of(new Reading.Output(List.of("true")))));
                    }
                }

                @Override
                public void ended(StepReport step) {}
            });
            assertThat(report.end()).isEqualTo(PlanReport.End.COMPLETED);
            read.addAll(session.read(List.of(new Reading.FileText(path))));
        }

        assertThat(read).containsExactly("", "two");
    }

    private List<String> read(List<Reading> readings) {
        try (HostSession session = driver().open(host())) {
            return session.read(readings);
        }
    }

    @Test
    @DisplayName("a tenant that never was has left nothing")
    default void nobodyLeavesNothing() {
        UnitAccount nobody = new UnitAccount("kloigos-nobody", 54321, List.of(workspace()));
        EnumSet.complementOf(EnumSet.of(Trace.FILES, Trace.DISK_USAGE)).forEach(trace -> {
            assertThat(outcome(new Step.Erasure(trace, nobody)))
                    .as("erasure of %s", trace)
                    .isEqualTo(Outcome.UNCHANGED);
            expect(Reading.Traces.NONE, new Reading.Traces(trace, nobody));
        });
    }

    // -- plans ------------------------------------------------------------------------------------------------------

    @Test
    @DisplayName("the same plan applied twice has one effect and one report")
    default void aPlanIsAppliedOnce() {
        String in = workspace();
        HostPlan plan = plan(HostPlan.Scope.host(), file(in + "/file", "text"), Step.Command.of("true"));

        PlanReport first = apply(plan);
        succeed(new Step.Removal(in + "/file"));
        PlanReport second = apply(plan);
        assertThat(second).isEqualTo(first);
        expect("absent", new Reading.FileText(in + "/file"));

        HostPlan failing =
                plan(HostPlan.Scope.host(), Step.Ensure.that(Condition.succeeds("test", "-e", in + "/cause"), "false"));
        PlanReport failed = apply(failing);
        succeed(file(in + "/cause", ""));
        assertThat(apply(failing)).isEqualTo(failed);
        assertThat(failed.failure()).isPresent();
    }

    @Test
    @DisplayName("the listener is told of each step as it begins and ends, in order")
    default void listenersSeeStepsInOrder() {
        String in = workspace();
        List<Object> seen = new ArrayList<>();
        HostPlan plan = plan(
                HostPlan.Scope.host(),
                file(in + "/file", "text"),
                new Step.Removal(in + "/none"),
                Step.Command.of("false"),
                Step.Command.of("true"));
        PlanReport report;
        try (HostSession session = driver().open(host())) {
            report = session.apply(plan, new PlanListener() {
                @Override
                public void begun(int index) {
                    seen.add(index);
                }

                @Override
                public void ended(StepReport step) {
                    seen.add(step);
                }
            });
        }

        List<StepReport> steps = report.steps();
        assertThat(steps)
                .extracting(StepReport::outcome)
                .containsExactly(Outcome.CHANGED, Outcome.UNCHANGED, Outcome.FAILED);
        assertThat(seen).containsExactly(0, steps.get(0), 1, steps.get(1), 2, steps.get(2));
    }

    @Test
    @DisplayName("plans of two units are applied beside each other")
    default void unitsDoNotWaitForEachOther() throws InterruptedException {
        String in = workspace();
        CountDownLatch otherEnded = new CountDownLatch(1);
        HostPlan waiting = plan(HostPlan.Scope.unit("kloigos-one"), file(in + "/one", "1"), Step.Command.of("true"));
        HostPlan other = plan(HostPlan.Scope.unit("kloigos-two"), file(in + "/two", "2"));
        CountDownLatch begun = new CountDownLatch(1);
        CompletableFuture<PlanReport> first = CompletableFuture.supplyAsync(() -> {
            try (HostSession session = driver().open(host())) {
                return session.apply(waiting, new PlanListener() {
                    @Override
                    public void begun(int index) {
                        begun.countDown();
                        try {
                            assertThat(otherEnded.await(30, TimeUnit.SECONDS))
                                    .as("the plan of another unit ended meanwhile")
                                    .isTrue();
                        } catch (InterruptedException e) {
                            Thread.currentThread().interrupt();
                        }
                    }

                    @Override
                    public void ended(StepReport report) {}
                });
            }
        });
        assertThat(begun.await(30, TimeUnit.SECONDS)).as("the first plan began").isTrue();
        assertThat(apply(other).failure()).isEmpty();
        otherEnded.countDown();

        assertThat(first.join().failure()).isEmpty();
        expect("1", new Reading.FileText(in + "/one"));
        expect("2", new Reading.FileText(in + "/two"));
    }

    @Test
    @DisplayName("a plan with a lower fence than one seen for its unit or the host is refused with HOST_FENCED")
    default void outdatedPlansAreRefused() {
        String in = workspace();
        HostPlan.Scope one =
                HostPlan.Scope.unit("kloigos-" + UUID.randomUUID().toString().substring(0, 8));
        HostPlan.Scope two =
                HostPlan.Scope.unit("kloigos-" + UUID.randomUUID().toString().substring(0, 8));
        HostPlan outdatedOne = plan(one, file(in + "/one", "outdated"));
        HostPlan outdatedTwo = plan(two, file(in + "/two", "outdated"));
        HostPlan outdatedHost = plan(HostPlan.Scope.host(), file(in + "/host", "outdated"));
        HostPlan newOne = plan(one, file(in + "/one", "new"));

        PlanReport first = apply(newOne);
        assertFenced(outdatedOne);
        assertFenced(outdatedHost);
        assertThat(apply(outdatedTwo).end())
                .as("another unit has a fence of its own")
                .isEqualTo(PlanReport.End.COMPLETED);
        assertThat(apply(plan(one, Step.Command.of("true")).fencedBy(newOne.fence()))
                        .end())
                .as("the same fence")
                .isEqualTo(PlanReport.End.COMPLETED);
        HostPlan outdatedByHost = plan(two, file(in + "/two", "outdated by the host"));
        succeed(Step.Command.of("true"));
        assertFenced(outdatedByHost);

        assertThat(apply(newOne)).as("what is known to have ended").isEqualTo(first);
        expect("new", new Reading.FileText(in + "/one"));
        expect("outdated", new Reading.FileText(in + "/two"));
        expect("absent", new Reading.FileText(in + "/host"));
    }

    private void assertFenced(HostPlan plan) {
        assertThatThrownBy(() -> apply(plan))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.HOST_FENCED));
    }

    @Test
    @DisplayName("a cancelled plan begins no further step, be it cancelled from another session or before it was known")
    default void cancelledPlansEnd() {
        String in = workspace();
        HostPlan plan = plan(
                HostPlan.Scope.unit("kloigos-one"),
                file(in + "/first", "text"),
                new Step.Expectation(new Reading.FileText(in + "/first"), "changed", Duration.ofSeconds(30)),
                file(in + "/third", "text"));
        HostPlan meanwhile = plan(HostPlan.Scope.unit("kloigos-two"), file(in + "/first", "changed"));
        PlanReport report;
        try (HostSession session = driver().open(host())) {
            report = session.apply(plan, new PlanListener() {
                @Override
                public void begun(int index) {
                    if (index == 1) {
                        cancel(plan.id());
                        apply(meanwhile);
                    }
                }

                @Override
                public void ended(StepReport step) {}
            });
        }
        HostPlan unknown = plan(HostPlan.Scope.host(), file(in + "/fourth", "text"));
        cancel(unknown.id());

        assertThat(report.end()).isEqualTo(PlanReport.End.CANCELLED);
        assertThat(report.steps()).extracting(StepReport::outcome).containsExactly(Outcome.CHANGED, Outcome.UNCHANGED);
        assertThat(apply(plan)).as("the record of the cancelled plan").isEqualTo(report);
        assertThat(apply(unknown)).isEqualTo(PlanReport.cancelled(List.of()));
        for (String name : List.of("/third", "/fourth")) {
            expect("absent", new Reading.FileText(in + name));
        }
    }

    private void cancel(String planId) {
        try (HostSession session = driver().open(host())) {
            session.cancel(planId);
        }
    }

    // -- how the tests speak to the driver --------------------------------------------------------------------------

    private static String id() {
        return "contract-" + UUID.randomUUID();
    }

    private static Step.TextFile file(String path, String content) {
        return new Step.TextFile(path, content, Access.rootFile());
    }

    private static HostPlan plan(HostPlan.Scope scope, Step... steps) {
        return new HostPlan(id(), scope, FENCE.incrementAndGet(), Duration.ofSeconds(60), List.of(steps));
    }

    private String workspace() {
        String path = scratchDirectory() + "/" + UUID.randomUUID();
        succeed(new Step.Directories(path, Access.rootDirectory()));
        return path;
    }

    private PlanReport apply(HostPlan plan) {
        try (HostSession session = driver().open(host())) {
            return session.apply(plan, PlanListener.none());
        }
    }

    private PlanReport apply(Step... steps) {
        return apply(plan(HostPlan.Scope.host(), steps));
    }

    private void succeed(Step... steps) {
        outcomes(steps);
    }

    private void expect(String expected, Reading reading) {
        succeed(new Step.Expectation(reading, expected));
    }

    private Outcome outcome(Step step) {
        return outcomes(step).get(0);
    }

    /** Applies the steps as one plan, which must succeed. */
    private List<Outcome> outcomes(Step... steps) {
        PlanReport report = apply(steps);
        assertThat(report.failure())
                .as(() -> "failure of: " + steps[report.steps().size() - 1].describe())
                .isEmpty();
        return report.steps().stream().map(StepReport::outcome).toList();
    }

    private String failure(Step step) {
        PlanReport report = apply(step);
        assertThat(report.failure())
                .as(() -> "failure that should have been: " + step.describe())
                .isPresent();
        return report.failure().orElseThrow().detail();
    }
}
