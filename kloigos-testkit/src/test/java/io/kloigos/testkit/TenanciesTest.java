package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.Event;
import io.kloigos.Kloigos;
import io.kloigos.Preview;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitChange;
import io.kloigos.model.Operation;
import io.kloigos.model.RequestKey;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.testkit.HostFailure.Effect;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.locks.LockSupport;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** What is changed of units while tenants have them, as it is on the host and in the inventory. */
@Timeout(120)
class TenanciesTest {
    private static final SshPublicKey FIRST =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f first");
    private static final SshPublicKey SECOND =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f second");
    private static final ComputeId UNIT = new ComputeId("host1_4-7");
    private static final ComputeId OTHER = new ComputeId("host1_8-11");
    private static final String KEY_FILE = "/etc/kloigos/keys/u4-7";

    private static final Instant NOON = Instant.parse("2026-11-23T12:00:00Z");

    private final Path database;
    private final SettableClock clock = SettableClock.at(NOON);
    private final FakeHost host = FakeHost.builder("host1", "10.0.0.1")
            .cpus(16)
            .nodes(2)
            .disk("/dev/sdb", ByteSize.parse("100G"))
            .build();
    private Kloigos kloigos;

    TenanciesTest(@TempDir Path directory) {
        database = directory.resolve("kloigos.db");
        kloigos = start();
    }

    private Kloigos start() {
        return Kloigos.builder()
                .driver(FakeFleet.of(host).driver())
                .database(database)
                .clock(clock)
                .lease(Duration.ofSeconds(2))
                .build();
    }

    @BeforeEach
    void allocate() {
        kloigos.await(kloigos.initServer(InitServerRequest.of(
                        host.address(), "eu", "a", List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"))))
                .id());
        kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FIRST));
    }

    @AfterEach
    void close() {
        kloigos.close();
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(code));
    }

    private Operation newest() {
        return kloigos.operation(String.valueOf(kloigos.unit(UNIT).operationId()));
    }

    // SSH keys

    @Test
    void theTenantLogsInWithTheNewKeysAndNoOthers() {
        ComputeUnit unit = kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND)));

        assertThat(unit.sshPublicKeys()).containsExactly(SECOND);
        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(host.login("u4-7").keys()).containsExactly(SECOND.line());
        assertThat(newest().kind()).isEqualTo(Operation.Kind.ROTATE_KEYS);
        assertThat(newest().id()).isEqualTo(unit.operationId());
    }

    @Test
    void aUnitMayHaveSeveralKeysFromTheStart() {
        ComputeUnit unit =
                kloigos.allocate(new AllocateRequest(null, null, null, Tags.none(), List.of(FIRST, SECOND), null));

        host.assertAllocated(unit);
        assertThat(host.login(unit.user()).keys()).containsExactly(FIRST.line(), SECOND.line());
        assertThat(kloigos.unit(unit.id()).sshPublicKeys()).containsExactly(FIRST, SECOND);
    }

    @Test
    void theSameKeysAgainChangeNothing() {
        String before = host.state();
        kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(FIRST)));

        host.assertState(before);
        assertThat(newest().steps()).extracting(Operation.Step::state).containsOnly(Operation.StepState.UNCHANGED);
    }

    @Test
    void aChangeWithAKeyIsMadeOnce() {
        ComputeUnit first = kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND)), RequestKey.of("once"));
        ComputeUnit second = kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND)), RequestKey.of("once"));

        assertThat(second).isEqualTo(first);
        assertRefused(
                ErrorCode.KEY_REUSED,
                () -> kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(FIRST)), RequestKey.of("once")));
        kloigos.await(kloigos.deallocate(UNIT).id());
        assertRefused(
                ErrorCode.WRONG_STATE,
                () -> kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND)), RequestKey.of("once")));
    }

    @Test
    void aPreviewOfAChangeIsWhatIsThenDone() {
        String before = host.state();
        Preview preview = kloigos.previewChange(UNIT, new UnitChange.RotateKeys(List.of(SECOND)));

        host.assertState(before);
        assertThat(preview.units().get(0).sshPublicKeys()).containsExactly(SECOND);
        ComputeUnit unit = kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND)));
        assertThat(kloigos.operation(String.valueOf(unit.operationId())).steps())
                .extracting(Operation.Step::description)
                .containsExactlyElementsOf(preview.steps());
    }

    @Test
    void onlyAnAllocatedUnitIsChanged() {
        assertThatThrownBy(() -> kloigos.change(OTHER, new UnitChange.RotateKeys(List.of(SECOND))))
                .hasMessage("Cannot rotate the SSH keys of unit host1_8-11: it is free."
                        + " That can be done while it is allocated.");
        assertRefused(
                ErrorCode.NOT_FOUND,
                () -> kloigos.change(new ComputeId("host9_0-3"), new UnitChange.RotateKeys(List.of(SECOND))));
    }

    @Test
    void aChangeThatFailsLeavesTheUnitAllocatedWithTheReasonAndIsRetried() {
        host.inject(new HostFailure.FailStep(0, Effect.MISSING));
        assertRefused(
                ErrorCode.HOST_STEP_FAILED, () -> kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND))));

        ComputeUnit failed = kloigos.unit(UNIT);
        assertThat(failed.status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(failed.reason()).isEqualTo(newest().error());
        assertThat(failed.sshPublicKeys()).containsExactly(FIRST);
        assertThat(host.file(KEY_FILE)).contains("first");

        assertThat(kloigos.await(kloigos.retry(newest().id()).id()).error()).isNull();
        assertThat(kloigos.unit(UNIT).sshPublicKeys()).containsExactly(SECOND);
        assertThat(kloigos.unit(UNIT).reason()).isEmpty();
        assertThat(host.login("u4-7").keys()).containsExactly(SECOND.line());
    }

    @Test
    void whileAChangeIsUnderWayNothingElseIsDoneToTheUnit() throws Exception {
        host.inject(new HostFailure.Stall(0));
        CompletableFuture<ComputeUnit> change =
                CompletableFuture.supplyAsync(() -> kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND))));
        host.awaitStalled(1);

        assertThatThrownBy(() -> kloigos.deallocate(UNIT)).hasMessageContaining("(rotate_keys) is under way on it");
        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.previewDeallocate(UNIT));
        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(FIRST))));

        host.heal();
        assertThat(change.get().sshPublicKeys()).containsExactly(SECOND);
        kloigos.await(kloigos.deallocate(UNIT).id());
        host.assertClean(kloigos.unit(UNIT));
    }

    // Tags

    @Test
    void tagsAreReplacedAndTheDeploymentIsFoundByItsNewName() {
        String before = host.state();
        Tags tags = new Tags(Map.of(Tags.DEPLOYMENT_ID, "web_v2", "owner", "ann"));
        ComputeUnit unit = kloigos.setTags(UNIT, tags);

        assertThat(unit.tags()).isEqualTo(tags);
        assertThat(kloigos.units(new UnitFilter(null, null, null, null, null, "web_v2", null)))
                .containsExactly(unit);
        kloigos.setTags(UNIT, Tags.none());
        assertThat(kloigos.units(new UnitFilter(null, null, null, null, null, "web_v2", null)))
                .isEmpty();
        host.assertState(before);
        assertThatThrownBy(() -> kloigos.setTags(OTHER, tags))
                .hasMessageStartingWith("Cannot change the tags of unit host1_8-11: it is free.");
    }

    // Expiry

    private void restart() {
        kloigos.close();
        kloigos = start();
    }

    private List<Operation> deallocations() {
        return kloigos.operations(100).stream()
                .filter(operation -> operation.kind() == Operation.Kind.DEALLOCATE)
                .toList();
    }

    @Test
    void anExpiredUnitIsTakenBackOnceEvenIfNobodyWasThereAtThatTime() {
        ComputeUnit other = kloigos.allocate(
                new AllocateRequest(4, null, null, Tags.none(), List.of(FIRST), NOON.plus(Duration.ofHours(2))));
        assertThat(kloigos.setExpiry(UNIT, NOON.plus(Duration.ofHours(3))).expiresAt())
                .isEqualTo(NOON.plus(Duration.ofHours(3)));

        clock.advance(Duration.ofHours(2));
        restart();
        assertThat(deallocations()).singleElement().satisfies(operation -> {
            assertThat(operation.computeId()).isEqualTo(other.id());
            assertThat(kloigos.await(operation.id()).error()).isNull();
        });
        host.assertClean(kloigos.unit(other.id()));
        assertThat(kloigos.unit(other.id()).expiresAt()).isNull();
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.ALLOCATED);
        restart();
        assertThat(deallocations()).hasSize(1);
    }

    @Test
    void anExpiryIsPutOffAndTakenAway() {
        kloigos.setExpiry(UNIT, NOON.plus(Duration.ofHours(1)));
        kloigos.setExpiry(UNIT, NOON.plus(Duration.ofHours(3)));
        clock.advance(Duration.ofHours(2));
        restart();
        assertThat(kloigos.setExpiry(UNIT, null).expiresAt()).isNull();
        clock.advance(Duration.ofHours(2));
        restart();

        assertThat(deallocations()).isEmpty();
        assertThat(host.login("u4-7").succeeds()).isTrue();
    }

    @Test
    void aUnitExpiresInTheFutureOnly() {
        assertThatThrownBy(() -> kloigos.setExpiry(UNIT, NOON)).hasMessageContaining("is not between now and");
        assertRefused(
                ErrorCode.INVALID_REQUEST,
                () -> kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), List.of(FIRST), NOON)));
        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.setExpiry(OTHER, NOON.plusSeconds(1)));
    }

    @Test
    void aListenerThatIsSlowToHearOfAnExpiryHoldsUpNoOperations() throws InterruptedException {
        CountDownLatch told = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        kloigos.listen(event -> {
            if (event instanceof Event.UnitExpiring) {
                told.countDown();
                try {
                    go.await();
                } catch (InterruptedException e) {
                    Thread.currentThread().interrupt();
                }
            }
        });
        kloigos.setExpiry(UNIT, NOON.plus(Duration.ofMinutes(1)));
        told.await();

        clock.advance(Duration.ofMinutes(2));
        while (kloigos.unit(UNIT).status() != UnitStatus.FREE) {
            LockSupport.parkNanos(1_000_000);
        }

        kloigos.requireReady();
        go.countDown();
    }

    @Test
    void listenersAreToldBeforeAUnitExpiresOnce() throws InterruptedException {
        kloigos.setExpiry(UNIT, NOON.plus(Duration.ofHours(2)));
        BlockingQueue<Event> told = new LinkedBlockingQueue<>();
        kloigos.listen(event -> {
            if (!(event instanceof Event.OperationChanged)) {
                told.add(event);
            }
        });
        clock.advance(Duration.ofMinutes(61));

        assertThat(told.take()).isInstanceOfSatisfying(Event.UnitExpiring.class, expiring -> {
            assertThat(expiring.unit().id()).isEqualTo(UNIT);
            assertThat(expiring.unit().expiresAt()).isEqualTo(NOON.plus(Duration.ofHours(2)));
        });
        clock.advance(Duration.ofHours(1));
        assertThat(told.take())
                .isInstanceOfSatisfying(
                        Event.UnitChanged.class,
                        changed -> assertThat(changed.unit().reason()).isEqualTo("expired at 2026-11-23T14:00:00Z"));
    }

    // Stop and start

    @Test
    void nothingOfAStoppedUnitRunsAndNobodyLogsInUntilItIsStarted() {
        host.tenantLeaves(kloigos.unit(UNIT).uid(), Trace.CRONTABS, Trace.PROCESSES, Trace.MOUNTS);
        ComputeUnit stopped = kloigos.change(UNIT, new UnitChange.Stop());

        assertThat(stopped.status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(stopped.stoppedAt()).isEqualTo(NOON);
        assertThat(host.processes(stopped.uid())).isEmpty();
        assertThat(host.login("u4-7").refusal()).contains("expired");
        assertThat(host.exists("/home/u4-7/WELCOME.txt")).isTrue();
        assertThat(host.exists("/var/spool/cron/crontabs/u4-7")).isTrue();

        ComputeUnit started = kloigos.change(UNIT, new UnitChange.Start());
        assertThat(started.isStopped()).isFalse();
        host.assertAllocated(started);
        assertThat(host.processes(started.uid())).containsExactly("systemd --user");
    }

    @Test
    void aStoppedUnitStaysStoppedWhenItsHostIsRestarted() {
        ComputeUnit stopped = kloigos.change(UNIT, new UnitChange.Stop());
        host.reboot();

        assertThat(host.processes(stopped.uid())).isEmpty();
        assertThat(host.login("u4-7").succeeds()).isFalse();
        host.assertAllocated(kloigos.change(UNIT, new UnitChange.Start()));
    }

    @Test
    void aUnitIsDeallocatedFromStoppedToo() {
        kloigos.change(UNIT, new UnitChange.Stop());
        assertThat(kloigos.await(kloigos.deallocate(UNIT).id()).error()).isNull();

        host.assertClean(kloigos.unit(UNIT));
        assertThat(kloigos.unit(UNIT).isStopped()).isFalse();
        host.assertAllocated(kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), SECOND)));
    }

    @Test
    void theKeysOfAStoppedUnitAreRotatedForItsStart() {
        kloigos.change(UNIT, new UnitChange.Stop());
        kloigos.change(UNIT, new UnitChange.RotateKeys(List.of(SECOND)));
        assertThat(kloigos.unit(UNIT).isStopped()).isTrue();
        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
        assertThat(host.login("u4-7").succeeds()).isFalse();

        kloigos.change(UNIT, new UnitChange.Start());
        assertThat(host.login("u4-7").keys()).containsExactly(SECOND.line());
    }

    @Test
    void aUnitThatIsStoppedStaysStopped() {
        assertThatThrownBy(() -> kloigos.change(UNIT, new UnitChange.Start())).hasMessageContaining("is not stopped");
        kloigos.change(UNIT, new UnitChange.Stop());
        assertThat(kloigos.change(UNIT, new UnitChange.Stop()).stoppedAt()).isEqualTo("2026-11-23T12:00:00Z");
        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.change(OTHER, new UnitChange.Stop()));
    }

    @Test
    void aStartThatFailedIsUndoneByAStop() {
        kloigos.change(UNIT, new UnitChange.Stop());
        host.inject(new HostFailure.FailStep(4, Effect.DONE));
        assertRefused(ErrorCode.HOST_STEP_FAILED, () -> kloigos.change(UNIT, new UnitChange.Start()));
        assertThat(kloigos.unit(UNIT).isStopped()).isTrue();

        assertThat(kloigos.change(UNIT, new UnitChange.Stop()).isStopped()).isTrue();
        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
        assertThat(host.login("u4-7").succeeds()).isFalse();
    }

    @Test
    void aStopThatFailedIsUndoneByAStart() {
        host.inject(new HostFailure.FailStep(4, Effect.DONE));
        assertRefused(ErrorCode.HOST_STEP_FAILED, () -> kloigos.change(UNIT, new UnitChange.Stop()));
        assertThat(host.login("u4-7").succeeds()).isFalse();
        assertThat(kloigos.unit(UNIT).isStopped()).isTrue();

        assertThat(kloigos.change(UNIT, new UnitChange.Start()).isStopped()).isFalse();
        host.assertAllocated(kloigos.unit(UNIT));
    }

    // Resize

    @Test
    void aUnitIsStartedWithItsOwnLimitsAfterAResizeThatFailed() {
        host.inject(new HostFailure.FailStep(3, Effect.DONE));
        assertRefused(
                ErrorCode.HOST_STEP_FAILED, () -> kloigos.change(UNIT, new UnitChange.Resize(limits("2G", 500, null))));
        kloigos.change(UNIT, new UnitChange.Stop());

        host.assertAllocated(kloigos.change(UNIT, new UnitChange.Start()));
        assertThat(cgroup("pids.max"))
                .isEqualTo(String.valueOf(kloigos.unit(UNIT).limits().tasksMax()));
    }

    @Test
    void whatAResizeIsRefusedItsPreviewIsToo() {
        UnitChange tooMuch = new UnitChange.Resize(limits("1T", null, null));
        UnitChange noDisk = new UnitChange.Resize(new LimitChange(
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                List.of(new IoLimit("/dev/nothing", ByteSize.parse("8M"), null, null, null))));

        for (UnitChange change : List.of(tooMuch, noDisk)) {
            assertRefused(ErrorCode.INVALID_REQUEST, () -> kloigos.previewChange(UNIT, change));
            assertRefused(ErrorCode.INVALID_REQUEST, () -> kloigos.change(UNIT, change));
        }
    }

    private static LimitChange limits(@Nullable String memory, @Nullable Integer tasks, @Nullable String disk) {
        return new LimitChange(
                memory == null ? null : ByteSize.parse(memory),
                null,
                null,
                tasks,
                disk == null ? null : ByteSize.parse(disk),
                null,
                null,
                null);
    }

    private String cgroup(String file) {
        return host.file("/sys/fs/cgroup/user.slice/user-20000.slice/" + file).strip();
    }

    @Test
    void aResizedUnitHasItsNewLimitsAtOnceAndAfterABoot() {
        ComputeUnit unit = kloigos.change(UNIT, new UnitChange.Resize(limits("2G", 500, "5G")));

        assertThat(unit.limits().memoryMax()).isEqualTo(ByteSize.parse("2G"));
        assertThat(unit.limits().memoryHigh()).isEqualTo(ByteSize.parse("1920M"));
        assertThat(unit.baseLimits().memoryMax()).isNotEqualTo(ByteSize.parse("2G"));
        assertThat(cgroup("memory.max")).isEqualTo("2147483648");
        assertThat(cgroup("pids.max")).isEqualTo("500");
        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
        host.assertAllocated(unit);
        host.reboot();
        assertThat(cgroup("memory.max")).isEqualTo("2147483648");
        host.assertAllocated(unit);
    }

    @Test
    void limitsByDiskAreSetAndLiftedWhileTheUnitRuns() {
        LimitChange slow = new LimitChange(
                null,
                null,
                null,
                null,
                null,
                null,
                null,
                List.of(new IoLimit("/dev/sda", ByteSize.parse("8M"), null, null, null)));
        kloigos.change(UNIT, new UnitChange.Resize(slow));
        assertThat(cgroup("io.max")).isEqualTo("8:0 rbps=8388608 wbps=max riops=max wiops=max");

        kloigos.change(
                UNIT, new UnitChange.Resize(new LimitChange(null, null, null, null, null, null, null, List.of())));
        assertThat(cgroup("io.max")).isEmpty();
        assertThat(kloigos.checkDrift("host1").deviations()).isEmpty();
    }

    @Test
    void theNextTenantFindsTheUnitAsItWasBeforeItWasResized() {
        String staged = host.state();
        kloigos.await(kloigos.deallocate(UNIT).id());
        ComputeUnit first = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FIRST));
        host.assertState(staged);
        kloigos.change(UNIT, new UnitChange.Resize(limits("2G", 500, "5G")));
        assertThat(kloigos.await(kloigos.deallocate(UNIT).id()).error()).isNull();

        ComputeUnit second = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FIRST));
        assertThat(second.limits()).isEqualTo(first.limits());
        host.assertState(staged);
    }

    @Test
    void aResizeThatFailedHalfWayLeavesNothingToTheNextTenant() {
        String staged = host.state();
        host.inject(new HostFailure.FailStep(3, Effect.DONE));
        assertRefused(
                ErrorCode.HOST_STEP_FAILED, () -> kloigos.change(UNIT, new UnitChange.Resize(limits("2G", 500, "5G"))));
        assertThat(kloigos.await(kloigos.deallocate(UNIT).id()).error()).isNull();

        host.assertAllocated(kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), FIRST)));
        host.assertState(staged);
    }

    @Test
    void aResizeThatIsTriedAgainLooksAgainAtWhatTheTenantStores() {
        host.inject(new HostFailure.FailStep(0, Effect.DONE));
        assertRefused(
                ErrorCode.HOST_STEP_FAILED,
                () -> kloigos.change(UNIT, new UnitChange.Resize(limits(null, null, "2M"))));
        host.write("/home/u4-7/large", "x".repeat(3 << 20));
        host.run("chown", "20000:20000", "/home/u4-7/large");
        String resize = String.valueOf(kloigos.unit(UNIT).operationId());

        assertThatThrownBy(() -> kloigos.retry(resize)).hasMessageContaining("it stores");
        assertThat(kloigos.operation(resize).state()).isEqualTo(Operation.State.FAILED);
    }

    @Test
    void anAllocationThatIsAskedForAgainIsTheSameUnitWhateverWasChangedOfIt() {
        AllocateRequest request = new AllocateRequest(4, null, null, Tags.none(), FIRST);
        RequestKey key = RequestKey.of("once");
        ComputeId id = kloigos.allocate(request, key).id();
        kloigos.change(id, new UnitChange.RotateKeys(List.of(SECOND)));

        assertThat(kloigos.allocate(request, key).sshPublicKeys()).containsExactly(SECOND);
        kloigos.await(kloigos.deallocate(id).id());
        assertThatThrownBy(() -> kloigos.allocate(request, key)).hasMessageContaining("has been given back since");
    }

    @Test
    void aUnitIsNotShrunkBelowWhatItsTenantStores() {
        String text = "x".repeat(3 << 20);
        host.write("/home/u4-7/large", text);
        host.run("chown", "20000:20000", "/home/u4-7/large");
        String before = host.state();

        assertThatThrownBy(() -> kloigos.change(UNIT, new UnitChange.Resize(limits(null, null, "2M"))))
                .hasMessageMatching("Cannot resize unit host1_4-7: it stores \\S+ on /, more than 2M\\."
                        + " Have the tenant free some, or ask for more\\.");
        host.assertState(before);
        assertThat(kloigos.unit(UNIT).reason()).isEmpty();
        kloigos.change(UNIT, new UnitChange.Resize(limits(null, null, "20M")));
    }

    @Test
    void aUnitGetsNoMemoryThatOthersWerePromised() {
        assertThatThrownBy(() -> kloigos.change(UNIT, new UnitChange.Resize(limits("62G", null, null))))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.faults())
                                .extracting(fault -> fault.type())
                                .contains("memory_max"));
        assertThat(newest().kind()).isEqualTo(Operation.Kind.ALLOCATE);
    }

    @Test
    void aStoppedUnitIsResizedForItsStart() {
        kloigos.change(UNIT, new UnitChange.Stop());
        kloigos.change(UNIT, new UnitChange.Resize(limits("2G", 500, null)));
        ComputeUnit unit = kloigos.change(UNIT, new UnitChange.Start());

        assertThat(cgroup("memory.max")).isEqualTo("2147483648");
        host.assertAllocated(unit);
    }
}
