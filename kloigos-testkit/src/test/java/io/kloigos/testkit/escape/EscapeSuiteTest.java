package io.kloigos.testkit.escape;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.InitServerRequest;
import io.kloigos.rules.Bases;
import io.kloigos.rules.ServerLayout;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.lab.Lab;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class EscapeSuiteTest {
    private static final List<ComputeUnit> UNITS = units();
    private static final Party TENANT = Party.of(UNITS.get(0));
    private static final Party NEIGHBOUR = Party.of(UNITS.get(1));

    private static List<ComputeUnit> units() {
        FakeHost host = FakeHost.builder("host1", "192.0.2.1").build();
        InitServerRequest request = InitServerRequest.of(
                host.address().pinned(host.hostKey()), "eu", "a", List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11")));
        return ServerLayout.of(request, host.facts(), Bases.defaults()).units();
    }

    @Test
    void theProgramKnowsMoreThanEightyAttempts(@TempDir Path directory) throws Exception {
        Path program = Files.write(directory.resolve("escape.zip"), EscapeSuite.program());

        Process list = new ProcessBuilder("python3", program.toString(), "list").start();
        List<String> lines = new String(list.getInputStream().readAllBytes(), StandardCharsets.UTF_8)
                .lines()
                .toList();

        assertThat(list.waitFor()).isZero();
        assertThat(lines)
                .hasSizeGreaterThan(80)
                .doesNotHaveDuplicates()
                .allMatch(line -> line.matches("[a-z]+\\.\\w+\t.+"));
    }

    @Test
    void readsWhatBecameOfEachAttempt() {
        List<String> users = new ArrayList<>();
        EscapeSuite.Shell shell = (user, script, arguments) -> {
            users.add(user);
            return new Lab.Result(0, user.equals("root") ? "" : """
                            {"id": "cpu.nice", "area": "cpu", "tried": "nice", "answered": "EACCES", "verdict": "held", "seconds": 1}
                            {"id": "a.b", "area": "a", "tried": "c", "answered": "d", "verdict": "not_applicable", "seconds": 1}
                            """, "");
        };

        try (EscapeSuite suite = EscapeSuite.start(shell, TENANT, NEIGHBOUR)) {
            assertThat(suite.run())
                    .containsExactly(
                            new Attempt("cpu.nice", "cpu", "nice", "EACCES", Attempt.Verdict.HELD),
                            new Attempt("a.b", "a", "c", "d", Attempt.Verdict.NOT_APPLICABLE));
        }
        assertThat(users).containsExactly("root", "root", "u4-7", "root");
    }

    @Test
    void anAttemptWithoutAVerdictIsAFailure() {
        EscapeSuite.Shell shell = (user, script, arguments) ->
                new Lab.Result(user.equals("root") ? 0 : 1, "", "came to no verdict: cpu.nice");

        try (EscapeSuite suite = EscapeSuite.start(shell, TENANT, NEIGHBOUR)) {
            assertThatThrownBy(suite::run).isInstanceOf(AssertionError.class).hasMessageContaining("cpu.nice");
        }
    }
}
