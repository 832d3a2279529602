package io.kloigos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.fixture.SampleHost;
import io.kloigos.inventory.Inventory;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.RequestKey;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.rules.KnownLimits;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Step;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Comparator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicReference;
import java.util.concurrent.locks.LockSupport;
import java.util.function.Supplier;
import java.util.stream.IntStream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

@Timeout(60)
class KloigosTest {
    private static final ComputeId UNIT = new ComputeId("host1_4-7");

    private final Path directory;
    private final Path database;
    private final ScriptedDriver driver = new ScriptedDriver();
    private final AtomicInteger ids = new AtomicInteger();
    /** Done once, just before the next operation is written down. */
    private final AtomicReference<Runnable> meanwhile = new AtomicReference<>(() -> {});

    private Kloigos kloigos;

    KloigosTest(@TempDir Path directory) {
        this.directory = directory;
        database = directory.resolve("kloigos.db");
        kloigos = start(driver);
    }

    private Kloigos start(ScriptedDriver hosts) {
        return Kloigos.builder()
                .driver(hosts)
                .database(database)
                .clock(() -> {
                    meanwhile.getAndSet(() -> {}).run();
                    return SampleFleet.NOON;
                })
                .ids(() -> "id" + ids.incrementAndGet())
                // Longer than a test may take: nothing here is mended by a lease that runs out.
                .lease(Duration.ofMinutes(10))
                .build();
    }

    @AfterEach
    void close() {
        kloigos.close();
    }

    private void init(String hostname, String... ranges) {
        Operation operation = kloigos.initServer(SampleFleet.request(hostname, ranges));
        assertThat(kloigos.await(operation.id()).error()).isNull();
    }

    private static void assertRefused(ErrorCode code, ThrowingCallable call) {
        assertThatThrownBy(call)
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(code));
    }

    // The four verbs

    @Test
    void aUnitGoesFromInitToATenantAndBack() {
        init("host1", "4-7", "8-11");
        assertThat(kloigos.server("host1").status()).isEqualTo(ServerStatus.READY);
        assertThat(kloigos.units(UnitFilter.all()))
                .extracting(ComputeUnit::status)
                .containsOnly(UnitStatus.FREE);

        ComputeUnit unit = kloigos.allocate(SampleFleet.wanting(4));
        assertThat(unit.id()).isEqualTo(UNIT);
        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(unit.sshPublicKeys()).containsExactly(SampleFleet.KEY);
        assertThat(unit.startedAt()).isEqualTo(SampleFleet.NOON);

        Operation deallocate = kloigos.await(kloigos.deallocate(UNIT).id());
        assertThat(deallocate.state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.FREE);
        assertThat(kloigos.unit(UNIT).sshPublicKeys()).isEmpty();

        kloigos.await(kloigos.decommission(DecommissionRequest.of("host1")).id());
        assertThat(kloigos.server("host1").status()).isEqualTo(ServerStatus.DECOMMISSIONED);
        assertThat(driver.applied).hasSize(4);
    }

    @Test
    void aServerSaysWhatItsHostCannotHold() {
        init("host1", "4-7");

        assertThat(kloigos.server("host1").warnings())
                .containsAll(KnownLimits.of(driver.facts, PortEnforcement.SOCKET_BIND_RANGES));
    }

    @Test
    void theHostKeyOfTheFirstContactIsPinned() {
        init("host1", "4-7");

        assertThat(driver.opened.get(0).hostKey()).isNull();
        assertThat(driver.opened.get(1).hostKey()).isEqualTo(driver.facts.hostKey());
        assertThat(kloigos.server("host1").address().hostKey()).isEqualTo(driver.facts.hostKey());
    }

    @Test
    void anOperationTellsEachStepAndWhatBecameOfIt() {
        Operation begun = kloigos.initServer(SampleFleet.request("host1", "4-7"));
        assertThat(begun.state()).isEqualTo(Operation.State.PENDING);

        Operation ended = kloigos.await(begun.id());
        HostPlan plan = driver.applied.get(0);
        assertThat(ended.state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(ended.endedAt()).isEqualTo(SampleFleet.NOON);
        assertThat(ended.steps()).hasSameSizeAs(plan.steps()).allSatisfy(step -> {
            assertThat(step.state()).isEqualTo(Operation.StepState.CHANGED);
            assertThat(step.millis()).isEqualTo(1);
        });
        assertThat(ended.steps().get(0).description())
                .isEqualTo(plan.steps().get(0).describe());
        assertThat(kloigos.operations(10)).extracting(Operation::id).containsExactly(begun.id());
    }

    @Test
    void stepsCanBeWatchedWhileTheyAreTaken() throws Exception {
        init("host1", "4-7");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        driver.host = (plan, listener) -> {
            listener.begun(0);
            begun.countDown();
            await(go);
            return ScriptedDriver.succeed(plan, listener);
        };
        CompletableFuture<ComputeUnit> allocation =
                CompletableFuture.supplyAsync(() -> kloigos.allocate(SampleFleet.wanting(4)));
        begun.await();
        ComputeUnit unit = kloigos.unit(UNIT);
        Operation running = kloigos.operation(String.valueOf(unit.operationId()));
        go.countDown();

        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATING);
        assertThat(running.state()).isEqualTo(Operation.State.RUNNING);
        assertThat(running.steps().get(0).state()).isEqualTo(Operation.StepState.RUNNING);
        assertThat(running.steps().get(1).state()).isEqualTo(Operation.StepState.PENDING);
        assertThat(allocation.get().status()).isEqualTo(UnitStatus.ALLOCATED);
    }

    // Refusals

    @Test
    void anUnsuitableHostIsRefusedBeforeAnythingIsTouchedOrWritten() {
        driver.facts = SampleHost.debian().with("managed_by", "another").facts();

        assertRefused(ErrorCode.HOST_UNSUITABLE, () -> kloigos.initServer(SampleFleet.request("host1", "4-7")));
        assertThat(driver.applied).isEmpty();
        assertThat(kloigos.servers()).isEmpty();
        assertThat(kloigos.operations(10)).isEmpty();
    }

    @Test
    void aHostNameInUseIsRefusedBeforeTheHostIsReached() {
        init("host1", "4-7");
        driver.opened.clear();

        assertRefused(ErrorCode.ALREADY_MANAGED, () -> kloigos.initServer(SampleFleet.request("host1", "8-11")));
        assertThat(driver.opened).isEmpty();
    }

    @Test
    void whoGetsNoUnitReadsWhatWouldFit() {
        init("host1", "4-7");

        assertThatThrownBy(() -> kloigos.allocate(SampleFleet.wanting(16)))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.NO_CAPACITY))
                .hasMessageContaining("16 CPUs")
                .hasMessageContaining("1 unit of 4 CPUs in eu/a.");
    }

    @Test
    void tenantsAreOnlyEvictedOnRequest() {
        init("host1", "4-7", "8-11");
        kloigos.allocate(SampleFleet.wanting(4));

        assertThatThrownBy(() -> kloigos.decommission(DecommissionRequest.of("host1")))
                .hasMessageContaining("host1_4-7 (allocated)")
                .hasMessageContaining("Deallocate these units");
        assertThat(kloigos.server("host1").status()).isEqualTo(ServerStatus.READY);

        Operation forced = kloigos.decommission(new DecommissionRequest("host1", Tenants.EVICT, DataDisks.KEEP));
        assertThat(kloigos.await(forced.id()).state()).isEqualTo(Operation.State.SUCCEEDED);
        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.decommission(DecommissionRequest.of("host1")));
    }

    @Test
    void whatDoesNotExistIsSaidSo() {
        assertRefused(ErrorCode.NOT_FOUND, () -> kloigos.unit(UNIT));
        assertRefused(ErrorCode.NOT_FOUND, () -> kloigos.server("host1"));
        assertRefused(ErrorCode.NOT_FOUND, () -> kloigos.operation("none"));
        assertRefused(ErrorCode.NOT_FOUND, () -> kloigos.deallocate(UNIT));
        assertRefused(ErrorCode.NOT_FOUND, () -> kloigos.decommission(DecommissionRequest.of("host1")));
    }

    @Test
    void aFreeUnitCannotBeDeallocated() {
        init("host1", "4-7");

        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.deallocate(UNIT));
        assertRefused(ErrorCode.WRONG_STATE, () -> kloigos.previewDeallocate(UNIT));
    }

    // Previews

    @Test
    void aPreviewIsWhatIsThenDone() {
        Preview init = kloigos.previewInit(SampleFleet.request("host1", "4-7"));
        init("host1", "4-7");
        Preview allocate = kloigos.previewAllocate(SampleFleet.wanting(4));
        kloigos.allocate(SampleFleet.wanting(4));
        Preview deallocate = kloigos.previewDeallocate(UNIT);
        kloigos.await(kloigos.deallocate(UNIT).id());
        DecommissionRequest request = DecommissionRequest.of("host1");
        Preview decommission = kloigos.previewDecommission(request);
        kloigos.await(kloigos.decommission(request).id());

        assertThat(List.of(init, allocate, deallocate, decommission))
                .extracting(Preview::steps)
                .containsExactlyElementsOf(driver.applied.stream()
                        .map(plan -> plan.steps().stream().map(Step::describe).toList())
                        .toList());
    }

    @Test
    void aPreviewChangesNothing() {
        kloigos.previewInit(SampleFleet.request("host1", "4-7"));
        assertThat(kloigos.servers()).isEmpty();

        init("host1", "4-7");
        kloigos.previewAllocate(SampleFleet.wanting(4));
        kloigos.previewDecommission(DecommissionRequest.of("host1"));
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.FREE);
        assertThat(kloigos.operations(10)).hasSize(1);
        assertThat(driver.applied).hasSize(1);
    }

    // Failures

    @Test
    void aStepThatFailsIsNamedToTheCallerAndKeptBesideTheUnit() {
        init("host1", "4-7");
        driver.host = ScriptedDriver.failingAt(2, "stat: no such directory");

        assertThatThrownBy(() -> kloigos.allocate(SampleFleet.wanting(4)))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        failure -> assertThat(failure.code()).isEqualTo(ErrorCode.HOST_STEP_FAILED))
                .hasMessageStartingWith("Step 3 of ")
                .hasMessageContaining("host1 (10.0.0.1)")
                .hasMessageEndingWith("stat: no such directory");
        ComputeUnit unit = kloigos.unit(UNIT);
        Operation operation = kloigos.operation(String.valueOf(unit.operationId()));
        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATION_FAIL);
        assertThat(unit.reason()).endsWith("stat: no such directory");
        assertThat(operation.state()).isEqualTo(Operation.State.FAILED);
        assertThat(operation.errorCode()).isEqualTo(ErrorCode.HOST_STEP_FAILED);
        assertThat(operation.steps())
                .extracting(Operation.Step::state)
                .startsWith(Operation.StepState.CHANGED, Operation.StepState.CHANGED, Operation.StepState.FAILED)
                .endsWith(Operation.StepState.PENDING);
    }

    @Test
    void aFailedStepThatNamesEveryUnitIsToldInFewWords() {
        InitServerRequest request = SampleFleet.request(
                "host1", IntStream.range(2, 16).mapToObj(Integer::toString).toArray(String[]::new));
        List<String> steps = kloigos.previewInit(request).steps();
        String longest =
                steps.stream().max(Comparator.comparingInt(String::length)).orElseThrow();
        driver.host = ScriptedDriver.failingAt(steps.indexOf(longest), "disk full");

        Operation failed = kloigos.await(kloigos.initServer(request).id());

        assertThat(longest.length()).isGreaterThan(400);
        assertThat(failed.error())
                .contains(longest.substring(0, 150))
                .endsWith("disk full")
                .hasSizeLessThan(400);
    }

    @Test
    void aUnitWhoseAllocationFailedIsNotHandedOutBeforeItIsCleaned() {
        init("host1", "4-7");
        driver.host = ScriptedDriver.failingAt(0, "no");
        assertRefused(ErrorCode.HOST_STEP_FAILED, () -> kloigos.allocate(SampleFleet.wanting(4)));
        driver.host = ScriptedDriver::succeed;

        assertRefused(ErrorCode.NO_CAPACITY, () -> kloigos.allocate(SampleFleet.wanting(4)));
        kloigos.await(kloigos.deallocate(UNIT).id());
        assertThat(kloigos.allocate(SampleFleet.wanting(4)).status()).isEqualTo(UnitStatus.ALLOCATED);
    }

    @Test
    void aUnitThatCannotBeProvenCleanIsQuarantinedWithTheReason() {
        init("host1", "4-7");
        kloigos.allocate(SampleFleet.wanting(4));
        driver.host = ScriptedDriver.failingAt(5, "processes: 4711");

        Operation ended = kloigos.await(kloigos.deallocate(UNIT).id());
        assertThat(ended.state()).isEqualTo(Operation.State.FAILED);
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.DEALLOCATION_FAIL);
        assertThat(kloigos.unit(UNIT).reason()).contains("processes: 4711");
    }

    @Test
    void aFailedInitLeavesAServerThatCanBeDecommissioned() {
        driver.host = ScriptedDriver.failingAt(3, "disk full");
        Operation init = kloigos.initServer(SampleFleet.request("host1", "4-7"));

        assertThat(kloigos.await(init.id()).error()).contains("disk full");
        assertThat(kloigos.server("host1").status()).isEqualTo(ServerStatus.INIT_FAIL);
        assertThat(kloigos.server("host1").reason()).contains("disk full");
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.INIT_FAIL);

        driver.host = ScriptedDriver::succeed;
        kloigos.await(kloigos.decommission(DecommissionRequest.of("host1")).id());
        init("host1", "4-7");
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.FREE);
    }

    @Test
    void aHostThatIsGoneFailsTheAllocationWithItsCode() {
        init("host1", "4-7");
        driver.host = (plan, listener) -> {
            throw new KloigosException(ErrorCode.HOST_UNREACHABLE, "Cannot reach host1: no route");
        };

        assertRefused(ErrorCode.HOST_UNREACHABLE, () -> kloigos.allocate(SampleFleet.wanting(4)));
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.ALLOCATION_FAIL);
        assertThat(kloigos.unit(UNIT).reason()).contains("no route");
    }

    @Test
    void anErrorInADriverIsNoSilentHang() {
        init("host1", "4-7");
        driver.host = (plan, listener) -> {
            throw new IllegalStateException("a bug");
        };

        assertThatThrownBy(() -> kloigos.allocate(SampleFleet.wanting(4)))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        failure -> assertThat(failure.code()).isEqualTo(ErrorCode.INTERNAL))
                .hasMessageContaining("a bug");
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.ALLOCATION_FAIL);
    }

    // Retries and keys

    @Test
    void aFailureCanBeRetriedAsSoonAsItIsTold() {
        init("host1", "4-7");
        driver.host = ScriptedDriver.failingAt(0, "no");
        kloigos.listen(event -> {
            if (event instanceof Event.OperationChanged changed
                    && changed.operation().state() == Operation.State.FAILED) {
                driver.host = ScriptedDriver::succeed;
                kloigos.retry(changed.operation().id());
            }
        });

        assertRefused(ErrorCode.HOST_STEP_FAILED, () -> kloigos.allocate(SampleFleet.wanting(4)));

        String operation = String.valueOf(kloigos.unit(UNIT).operationId());
        assertThat(kloigos.await(operation).state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(driver.applied).extracting(HostPlan::id).endsWith(operation + ".1", operation + ".2");
    }

    @Test
    void ofEqualRequestsAtOnceOneIsDoneAndAllAreAnswered() {
        assertAnsweredAlike(() -> kloigos.initServer(SampleFleet.request("host1", "4-7"), RequestKey.of("init")));
        kloigos.allocate(SampleFleet.wanting(4));
        driver.host = ScriptedDriver.failingAt(0, "no");
        String failed = assertAnsweredAlike(() -> kloigos.deallocate(UNIT, RequestKey.of("deallocate")));
        driver.host = ScriptedDriver::succeed;
        assertAnsweredAlike(() -> kloigos.retry(failed, RequestKey.of("retry")));
        assertAnsweredAlike(() -> kloigos.decommission(DecommissionRequest.of("host1"), RequestKey.of("decommission")));
    }

    /** Sends a request while an equal one is about to begin its operation. */
    private String assertAnsweredAlike(Supplier<Operation> request) {
        AtomicReference<String> first = new AtomicReference<>("");
        meanwhile.set(() -> {
            String id = request.get().id();
            first.set(id);
            kloigos.await(id);
        });
        String second = request.get().id();
        assertThat(second).isEqualTo(first.get());
        return second;
    }

    @Test
    void whoseWaitingIsInterruptedGetsNoUnitThatIsNotReady() throws Exception {
        init("host1", "4-7");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        driver.host = (plan, listener) -> {
            begun.countDown();
            await(go);
            return ScriptedDriver.succeed(plan, listener);
        };
        CompletableFuture<ComputeUnit> first =
                CompletableFuture.supplyAsync(() -> kloigos.allocate(SampleFleet.wanting(4), RequestKey.of("key1")));
        begun.await();
        Thread.currentThread().interrupt();
        Throwable refusal = catchThrowable(() -> kloigos.allocate(SampleFleet.wanting(4), RequestKey.of("key1")));
        boolean interrupted = Thread.interrupted();
        go.countDown();

        assertThat(refusal)
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        unready -> assertThat(unready.code()).isEqualTo(ErrorCode.WRONG_STATE));
        assertThat(interrupted).isTrue();
        assertThat(first.get().status()).isEqualTo(UnitStatus.ALLOCATED);
    }

    // Listeners

    @Test
    void listenersAreToldOfEveryStatus() throws Exception {
        List<Object> statuses = new CopyOnWriteArrayList<>();
        KloigosListener listener = event -> {
            if (event instanceof Event.UnitChanged changed) {
                statuses.add(changed.unit().status());
            }
        };
        try (Fleet.Registration registration = kloigos.listen(listener)) {
            assertThat(registration).isNotNull();
            init("host1", "4-7");
            kloigos.allocate(SampleFleet.wanting(4));
        }
        kloigos.await(kloigos.deallocate(UNIT).id());

        assertThat(statuses)
                .containsExactly(UnitStatus.INITIALIZING, UnitStatus.FREE, UnitStatus.ALLOCATING, UnitStatus.ALLOCATED);
    }

    @Test
    void aListenerThatThrowsHarmsNobody() {
        AtomicInteger told = new AtomicInteger();
        kloigos.listen(event -> {
            throw new IllegalStateException("a bad listener");
        });
        kloigos.listen(event -> told.incrementAndGet());
        init("host1", "4-7");

        assertThat(kloigos.allocate(SampleFleet.wanting(4)).status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(told).hasPositiveValue();
    }

    // Start and end

    @Test
    void whatHasEndedIsNotSaidToBeUnderWay() {
        init("host1", "4-7");
        List<Operation.State> seen = new CopyOnWriteArrayList<>();
        kloigos.listen(event -> {
            if (event instanceof Event.OperationChanged changed
                    && changed.operation().state() == Operation.State.SUCCEEDED) {
                seen.add(kloigos.operation(changed.operation().id()).state());
            }
        });

        kloigos.allocate(SampleFleet.wanting(4));

        assertThat(seen).containsExactly(Operation.State.SUCCEEDED);
    }

    @Test
    void whatACrashCutShortIsTakenUpAtTheNextStart() {
        kloigos.close();
        SampleFleet fleet = SampleFleet.of(
                SampleFleet.request("host2", "4-7", "8-11"), SampleHost.debian().facts());
        try (Inventory inventory = Inventory.open(database, "killed", Duration.ofSeconds(20))) {
            inventory.addServer(
                    fleet.server(),
                    fleet.units(),
                    SampleFleet.operation("cut-short", Operation.Kind.INIT, "host2", null, SampleFleet.NOON),
                    null);
        }
        ScriptedDriver next = new ScriptedDriver();
        kloigos = start(next);

        assertThat(kloigos.await("cut-short").state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(kloigos.server("host2").status()).isEqualTo(ServerStatus.READY);
        assertThat(next.applied).extracting(HostPlan::id).containsExactly("cut-short.1");
    }

    @Test
    void anAllocationUnderWayWhenKloigosClosesIsFinishedByTheNextStart() throws Exception {
        init("host1", "4-7");
        CountDownLatch begun = new CountDownLatch(1);
        driver.host = (plan, listener) -> {
            begun.countDown();
            await(driver.closed);
            throw new KloigosException(ErrorCode.HOST_UNREACHABLE, "the connection was closed");
        };
        CompletableFuture<ComputeUnit> allocation =
                CompletableFuture.supplyAsync(() -> kloigos.allocate(SampleFleet.wanting(4)));
        begun.await();
        kloigos.close();
        assertThatThrownBy(allocation::get)
                .isInstanceOf(ExecutionException.class)
                .hasRootCauseInstanceOf(KloigosException.class);

        ScriptedDriver next = new ScriptedDriver();
        kloigos = start(next);
        ComputeUnit unit = kloigos.unit(UNIT);
        kloigos.await(String.valueOf(unit.operationId()));
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(next.applied)
                .extracting(HostPlan::id)
                .as("the host knows what it did already by the same id")
                .containsExactly(driver.applied.get(1).id());
    }

    @Test
    void anAllocationThatIsAboutToEndIsWaitedForWhenKloigosCloses() throws Exception {
        init("host1", "4-7");
        CountDownLatch begun = new CountDownLatch(1);
        CountDownLatch go = new CountDownLatch(1);
        driver.host = (plan, listener) -> {
            begun.countDown();
            await(go);
            if (driver.closed.getCount() == 0) {
                throw new KloigosException(ErrorCode.HOST_UNREACHABLE, "the connection was closed");
            }
            return ScriptedDriver.succeed(plan, listener);
        };
        CompletableFuture<Void> allocation = CompletableFuture.runAsync(() -> kloigos.allocate(SampleFleet.wanting(4)));
        begun.await();
        // The common pool may have one thread only, and the allocation holds that.
        CompletableFuture<Void> closing = CompletableFuture.runAsync(kloigos::close, task -> new Thread(task).start());
        awaitClosing();
        go.countDown();
        closing.get();
        allocation.handle((done, failure) -> "ended").get();

        kloigos = start(new ScriptedDriver());
        assertThat(kloigos.unit(UNIT).status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(kloigos.operations(1).get(0).state()).isEqualTo(Operation.State.SUCCEEDED);
    }

    /** Returns when the closing of {@code kloigos} has begun. A unit that is being allocated cannot be deallocated. */
    private void awaitClosing() {
        ErrorCode code;
        do {
            LockSupport.parkNanos(1_000_000);
            code = ((KloigosException) catchThrowable(() -> kloigos.deallocate(UNIT))).code();
        } while (code == ErrorCode.WRONG_STATE);
        assertThat(code).isEqualTo(ErrorCode.SHUTTING_DOWN);
    }

    @Test
    void takesNoWorkOnceClosed() {
        init("host1", "4-7", "8-11");
        kloigos.allocate(SampleFleet.wanting(4));
        int before = driver.applied.size();
        kloigos.close();

        assertThat(driver.closed.getCount()).as("the driver is closed too").isZero();
        assertRefused(ErrorCode.SHUTTING_DOWN, () -> kloigos.allocate(SampleFleet.wanting(4)));
        assertRefused(ErrorCode.SHUTTING_DOWN, () -> kloigos.deallocate(UNIT));
        assertRefused(ErrorCode.SHUTTING_DOWN, () -> kloigos.initServer(SampleFleet.request("host2", "0")));
        assertRefused(ErrorCode.SHUTTING_DOWN, () -> kloigos.decommission(DecommissionRequest.of("host1")));
        assertThat(driver.applied).hasSize(before);
    }

    @Test
    void aBuildThatFailsLeavesTheDatabaseToTheNext() {
        Path other = directory.resolve("other.db");
        KloigosBuilder unlucky = Kloigos.builder()
                .driver(driver)
                .database(other)
                .threads(task -> {
                    throw new IllegalStateException("no threads left");
                });
        assertThatThrownBy(unlucky::build).hasMessage("no threads left");

        try (Kloigos next =
                Kloigos.builder().driver(new ScriptedDriver()).database(other).build()) {
            assertThat(next.servers()).isEmpty();
        }
    }

    @Test
    void anOperationForWhichThereIsNoThreadIsTakenUpLater() {
        AtomicBoolean exhausted = new AtomicBoolean();
        try (Kloigos small = Kloigos.builder()
                .driver(new ScriptedDriver())
                .database(directory.resolve("other.db"))
                .lease(Duration.ofSeconds(1))
                .threads(task -> {
                    if (exhausted.getAndSet(false)) {
                        throw new OutOfMemoryError("unable to create native thread");
                    }
                    Thread thread = new Thread(task);
                    thread.setDaemon(true);
                    return thread;
                })
                .build()) {
            exhausted.set(true);
            assertThatThrownBy(() -> small.initServer(SampleFleet.request("host1", "4-7")))
                    .isInstanceOf(OutOfMemoryError.class);

            String operation = String.valueOf(small.server("host1").operationId());
            assertThat(small.await(operation).state()).isEqualTo(Operation.State.SUCCEEDED);
        }
    }

    @Test
    void aDatabaseThatCannotBeOpenedIsSaidSo() {
        KloigosBuilder builder = Kloigos.builder().driver(driver).database(directory);

        assertRefused(ErrorCode.STORE_FAILED, builder::build);
    }

    private static void await(CountDownLatch latch) {
        try {
            latch.await();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }
}
