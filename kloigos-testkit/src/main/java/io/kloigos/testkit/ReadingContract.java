package io.kloigos.testkit;

import static io.kloigos.testkit.ContractPlans.apply;
import static io.kloigos.testkit.ContractPlans.expect;
import static io.kloigos.testkit.ContractPlans.failure;
import static io.kloigos.testkit.ContractPlans.file;
import static io.kloigos.testkit.ContractPlans.outcome;
import static io.kloigos.testkit.ContractPlans.plan;
import static io.kloigos.testkit.ContractPlans.succeed;
import static io.kloigos.testkit.ContractPlans.workspace;
import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.Trace;
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
import java.util.EnumSet;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a driver must do with readings and expectations. */
interface ReadingContract extends DriverUnderTest {
    @Test
    @DisplayName("an expectation that is not met says what was expected and what was found")
    default void expectationsTellBoth() {
        String path = workspace(this) + "/file";
        succeed(this, file(path, " found-this \n"));

        assertThat(failure(this, new Step.Expectation(new Reading.FileText(path), "expected-that")))
                .contains("expected-that", "found-this");
        assertThat(outcome(this, new Step.Expectation(new Reading.FileText(path), "found-this")))
                .isEqualTo(Outcome.UNCHANGED);
    }

    @Test
    @DisplayName("an expectation with time waits until it comes true, and fails when the time is over")
    default void expectationsMayComeTrue() throws InterruptedException {
        String path = workspace(this) + "/file";
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
        assertThat(apply(this, plan(HostPlan.Scope.unit("kloigos-two"), file(path, "come true\n")))
                        .failure())
                .isEmpty();

        assertThat(waiting.join().failure()).isEmpty();
        assertThat(failure(this, new Step.Expectation(new Reading.FileText(path), "other", Duration.ofMillis(50))))
                .contains("come true", "other");
    }

    @Test
    @DisplayName("readings are texts without surrounding white space; what is not there reads as absent or failed")
    default void readingsAreTexts() {
        String path = workspace(this) + "/file";
        succeed(this, file(path, "\n key=1\nkey=2 \nkey=3\n\nother\n"));

        succeed(
                this,
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
        String in = workspace(this);
        succeed(
                this,
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
        String path = workspace(this) + "/file";
        succeed(this, file(path, "\n key=1\nkey=2 \nkey=3\n"));
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
                new Reading.FileText(workspace(this)),
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
            expect(this, read(List.of(quota)).get(0), quota);
        }
    }

    @Test
    @DisplayName("whatever a file holds is read as it is, but for the white space around it")
    default void everyTextIsRead() {
        String in = workspace(this);
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
            succeed(this, file(path, " \t\n" + text + "\n\t \n"));
            readings.add(new Reading.FileText(path));
            readings.add(new Reading.Output(List.of("cat", path)));
            expected.addAll(List.of(text, text));
        }

        assertThat(read(readings)).isEqualTo(expected);
        assertThat(read(List.of(new Reading.FileLine(in + "/text-8", "\rcarr"))))
                .containsExactly("\rcarriage\r");
        succeed(this, Step.Command.of("test", "!", "-e", "/never"));
    }

    @Test
    @DisplayName("reading waits for no plan, and a plan that is at work is not disturbed by it")
    default void readingTakesNoLock() {
        String path = workspace(this) + "/file";
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
        UnitAccount nobody = new UnitAccount("kloigos-nobody", 54321, List.of(workspace(this)));
        EnumSet.complementOf(EnumSet.of(Trace.FILES, Trace.DISK_USAGE)).forEach(trace -> {
            assertThat(outcome(this, new Step.Erasure(trace, nobody)))
                    .as("erasure of %s", trace)
                    .isEqualTo(Outcome.UNCHANGED);
            expect(this, Reading.Traces.NONE, new Reading.Traces(trace, nobody));
        });
    }
}
