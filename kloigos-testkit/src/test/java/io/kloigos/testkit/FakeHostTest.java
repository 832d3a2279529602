package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostPlan.Scope;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** What the fake host has beyond the contract of drivers: its making, its failures and its records. */
class FakeHostTest {
    private static final Duration LIMIT = Duration.ofSeconds(30);

    private final FakeHost host = FakeHost.builder("host1", "10.0.0.1")
            .disk("/dev/sdb", ByteSize.parse("10G"))
            .build();
    private final HostDriver driver = FakeFleet.of(host).driver();
    private final HostPlan three = new HostPlan(
            "three", Scope.host(), LIMIT, List.of(directory("/a"), directory("/a/b"), directory("/a/b/c")));

    private static Step directory(String path) {
        return new Step.Directories(path, Access.rootDirectory());
    }

    private static HostPlan unitPlan(String unit) {
        return new HostPlan("plan-" + unit, Scope.unit(unit), LIMIT, List.of(directory("/" + unit)));
    }

    private PlanReport apply(HostPlan plan) {
        try (HostSession session = driver.open(host.address())) {
            return session.apply(plan, PlanListener.none());
        }
    }

    private void assertFails(ErrorCode code, HostPlan plan) {
        assertThatThrownBy(() -> apply(plan))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(code));
    }

    @Test
    void fencesAreForgottenWithTheDirectoryThatHoldsThem() {
        HostPlan outdated = unitPlan("u1").fencedBy(3);
        apply(three.fencedBy(7));
        assertFails(ErrorCode.HOST_FENCED, outdated);

        host.run("rm", "-rf", "/var/lib/kloigos");

        assertThat(apply(outdated).failure()).isEmpty();
    }

    @Test
    void topologiesAreNumberedAsLinuxNumbersThem() {
        HostFacts facts = FakeHost.builder("smt", "10.0.0.2")
                .cpus(16)
                .nodes(2)
                .threadsPerCore(2)
                .memory(ByteSize.parse("8G"))
                .build()
                .facts();

        assertThat(facts.topology().siblings())
                .contains(CpuSet.parse("0,8"), CpuSet.parse("7,15"))
                .hasSize(8);
        assertThat(facts.nodes().get(1)).isEqualTo(new HostFacts.Node(CpuSet.parse("4-7,12-15"), ByteSize.parse("4G")));

        HostFacts large = FakeHost.builder("large", "10.0.0.4")
                .cpus(32)
                .packages(1)
                .nodes(2)
                .caches(4)
                .threadsPerCore(2)
                .adjacentThreads()
                .build()
                .facts();
        assertThat(large.topology().siblings()).contains(CpuSet.parse("0-1"), CpuSet.parse("30-31"));
        assertThat(large.topology().packages()).containsExactly(Map.entry(0, CpuSet.range(0, 31)));
        assertThat(large.topology().caches())
                .extracting(CpuTopology.Cache::cpus)
                .containsExactly(CpuSet.range(0, 7), CpuSet.range(8, 15), CpuSet.range(16, 23), CpuSet.range(24, 31));

        HostFacts gaps = FakeHost.builder("gaps", "10.0.0.3")
                .cpus(CpuSet.parse("0-3,8-11"))
                .nodes(2)
                .build()
                .facts();
        assertThat(gaps.nodes()).containsEntry(1, new HostFacts.Node(CpuSet.parse("8-11"), ByteSize.parse("32G")));
    }

    @Test
    void aLostReplyIsLearntByAskingAgain() {
        host.inject(new HostFailure.LoseReply());

        assertFails(ErrorCode.HOST_UNREACHABLE, three);

        assertThat(apply(three).steps()).hasSize(3);
        assertThat(host.applied()).containsExactly(new AppliedPlan("three", 2, List.of(1, 1, 1)));
    }

    @Test
    void aPlanWhoseConnectionIsLostGoesOn() {
        host.inject(new HostFailure.DropAfterStep(0, HostFailure.Rest.GOES_ON));

        assertFails(ErrorCode.HOST_UNREACHABLE, three);

        assertThat(host.exists("/a/b/c")).isTrue();
        assertThat(apply(three).failure()).isEmpty();
        assertThat(host.applied()).containsExactly(new AppliedPlan("three", 2, List.of(1, 1, 1)));
    }

    @Test
    void aPlanThatIsLostWithItsConnectionBeginsAgain() {
        host.inject(new HostFailure.DropAfterStep(1, HostFailure.Rest.IS_LOST));

        assertFails(ErrorCode.HOST_UNREACHABLE, three);

        assertThat(host.exists("/a/b")).isTrue();
        assertThat(host.exists("/a/b/c")).isFalse();
        assertThat(apply(three).failure()).isEmpty();
        assertThat(host.applied()).containsExactly(new AppliedPlan("three", 2, List.of(1, 1, 1)));
    }

    @Test
    void aStepFailsBeforeOrAfterItsEffect() {
        host.inject(new HostFailure.FailStep(0, HostFailure.Effect.MISSING));
        assertThat(apply(three).failure()).isPresent();
        assertThat(host.exists("/a")).isFalse();

        host.inject(new HostFailure.FailStep(0, HostFailure.Effect.DONE));
        HostPlan again = new HostPlan("again", Scope.host(), LIMIT, three.steps());
        assertThat(apply(again).failure()).isPresent();
        assertThat(host.exists("/a")).isTrue();
        assertThat(host.exists("/a/b")).isFalse();
    }

    @Test
    void aStalledPlanHoldsItsLockUntilTheHostHeals() throws Exception {
        host.inject(new HostFailure.Stall(1));
        CompletableFuture<PlanReport> stalled = CompletableFuture.supplyAsync(() -> apply(three));
        host.awaitStalled(1);

        assertThat(host.exists("/a")).isTrue();
        assertThat(host.exists("/a/b")).isFalse();
        assertFails(
                ErrorCode.HOST_BUSY,
                new HostPlan("impatient", Scope.unit("u1"), Duration.ofMillis(1), List.of(directory("/u1"))));

        host.heal();
        assertThat(stalled.get().failure()).isEmpty();
    }

    @Test
    void otherFailuresHaveTheirCode() {
        host.inject(new HostFailure.Busy());
        assertFails(ErrorCode.HOST_BUSY, three);
        host.inject(new HostFailure.RefuseLogin(), 2);
        assertFails(ErrorCode.HOST_LOGIN_REFUSED, three);
        assertFails(ErrorCode.HOST_LOGIN_REFUSED, three);
        host.inject(new HostFailure.RefuseConnection(), 100);
        host.heal();
        assertThat(apply(three).failure()).isEmpty();
    }

    @Test
    void aHostMayLieAboutItself() {
        host.inject(new HostFailure.WrongFacts(facts -> facts.withHostKey("SHA256:lie")));

        try (HostSession session = driver.open(host.address())) {
            assertThat(session.facts().hostKey()).isEqualTo("SHA256:lie");
            assertThat(session.facts().hostKey()).isEqualTo(host.hostKey());
        }
    }

    @Test
    void plansOfDifferentUnitsRunAtTheSameTime() throws ExecutionException, InterruptedException {
        host.inject(new HostFailure.Stall(0), 16);
        List<CompletableFuture<PlanReport>> plans = IntStream.range(0, 16)
                .mapToObj(i -> {
                    CompletableFuture<PlanReport> report = new CompletableFuture<>();
                    new Thread(() -> report.complete(apply(unitPlan("u" + i)))).start();
                    return report;
                })
                .toList();
        host.awaitStalled(16);
        host.heal();

        for (CompletableFuture<PlanReport> plan : plans) {
            assertThat(plan.get().failure()).isEmpty();
        }
    }

    @Test
    void theSamePlanAskedForByManyHasOneEffect() throws InterruptedException {
        CountDownLatch done = new CountDownLatch(8);
        for (int i = 0; i < 8; i++) {
            new Thread(() -> {
                        apply(three);
                        done.countDown();
                    })
                    .start();
        }
        done.await();

        assertThat(host.applied()).containsExactly(new AppliedPlan("three", 8, List.of(1, 1, 1)));
    }

    @Test
    void aCommandThatTheFakeDoesNotKnowFailsLoudlyEvenInACondition() {
        HostPlan plan = new HostPlan(
                "unknown",
                Scope.host(),
                LIMIT,
                List.of(Step.Ensure.that(Condition.fails("frobnicate", "--all"), "true")));

        assertThat(apply(plan).failure().orElseThrow().detail())
                .contains("frobnicate: command not found", "the fake host does not know");
    }

    @Test
    void whatAHostLacksItsCommandsSay() {
        FakeHost bare = FakeHost.builder("bare", "10.0.0.9")
                .without(Capability.SYSUSERS, Capability.NFT_UID_PORTS)
                .withoutQuotas()
                .build();

        assertThatThrownBy(() -> bare.run("systemd-sysusers", "/x")).hasMessageContaining("command not found");
        assertThatThrownBy(() -> bare.run("nft", "list", "tables")).hasMessageContaining("command not found");
        assertThatThrownBy(() -> bare.run("setquota", "-u", "20000", "0", "1", "0", "1", "/"))
                .hasMessageContaining("not found or has no quota enabled");
    }

    @Test
    void overlappingPortsAreRefusedAsAWhole() {
        String add = "add element inet kloigos ranges ";
        host.run("nft", "add table inet kloigos");
        host.write("/own.nft", "table inet kloigos {\nset ranges { type inet_service; flags interval; }\n}\n");
        host.run("nft", "-f", "/own.nft");
        host.run("nft", add + "{ 2000-2199 }");
        host.run("nft", add + "{ 2000-2199 }");

        assertThatThrownBy(() -> host.run("nft", add + "{ 3000-3001, 2100-2300 }"))
                .hasMessageContaining("interval overlaps with an existing one");
        assertThat(host.run("nft", "list", "set", "inet", "kloigos", "ranges")).contains("elements = { 2000-2199 }");
    }

    @Test
    void dropInsOfASliceAreMergedAsSystemdMergesThem() {
        host.write("/etc/systemd/system/user-.slice.d/20-default.conf", "[Slice]\nAllowedCPUs=0-1\nMemoryMax=1G\n");
        host.write("/etc/systemd/system/user-2000.slice.d/50-own.conf", "[Slice]\nAllowedCPUs=4-5\n");
        host.run("systemctl", "start", "user-2000.slice");
        String cgroup = "/sys/fs/cgroup/user.slice/user-2000.slice/";
        assertThat(host.file(cgroup + "cpuset.cpus.effective")).isEqualTo("0-1,4-5\n");
        assertThat(host.file(cgroup + "memory.max")).isEqualTo("1073741824\n");

        host.write("/etc/systemd/system/user-2000.slice.d/50-own.conf", "[Slice]\nAllowedCPUs=\nAllowedCPUs=4-5\n");
        assertThat(host.run("systemctl", "show", "user-2000.slice", "-p", "NeedDaemonReload", "--value"))
                .isEqualTo("yes\n");
        host.run("systemctl", "daemon-reload");
        assertThat(host.file(cgroup + "cpuset.cpus.effective")).isEqualTo("4-5\n");
    }

    @Test
    void aMissingFileIsReportedWithWhatIsThereInstead() {
        host.write("/etc/kloigos/keys/u0", "key\n");

        assertThatThrownBy(() -> host.file("/etc/kloigos/keys/u1"))
                .isInstanceOf(AssertionError.class)
                .hasMessage("host1 has no file /etc/kloigos/keys/u1; /etc/kloigos/keys has [u0]");
    }
}
