package io.kloigos.testkit;

import static io.kloigos.testkit.ContractPlans.expect;
import static io.kloigos.testkit.ContractPlans.file;
import static io.kloigos.testkit.ContractPlans.plan;
import static io.kloigos.testkit.ContractPlans.workspace;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.Reading;
import java.util.Collection;
import java.util.List;
import java.util.UUID;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.DisplayName;
import org.junit.jupiter.api.Test;

/** What a driver must do with facts and sessions. */
interface FactsContract extends DriverUnderTest {
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

    @Test
    @DisplayName(
            "a driver that is closed refuses with SHUTTING_DOWN, in sessions opened before too; closing it twice does"
                    + " nothing")
    default void closedDriversRefuse() {
        HostDriver driver = anotherDriver();
        HostSession before = driver.open(host());
        driver.close();
        driver.close();

        String path = workspace(this) + "/after";
        for (ThrowingCallable asked : List.<ThrowingCallable>of(
                () -> driver.open(host()).close(),
                before::facts,
                () -> before.read(List.of(new Reading.FileText(path))),
                () -> before.cancel("cancelled-" + UUID.randomUUID()),
                () -> before.apply(plan(HostPlan.Scope.host(), file(path, "text")), PlanListener.none()))) {
            assertThatThrownBy(asked)
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.SHUTTING_DOWN));
        }
        before.close();
        expect(this, "absent", new Reading.FileText(path));
    }
}
