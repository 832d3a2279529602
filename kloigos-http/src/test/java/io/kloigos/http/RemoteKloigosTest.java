package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kloigos.Event;
import io.kloigos.Fleet;
import io.kloigos.Kloigos;
import io.kloigos.client.ClientSettings;
import io.kloigos.client.RemoteKloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostAddress;
import io.kloigos.model.Housekeeping;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitChange;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Placement;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Reason;
import io.kloigos.model.RequestKey;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.UnitUsage;
import io.kloigos.model.UnitVolumes;
import io.kloigos.testkit.HostFailure;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.concurrent.BlockingQueue;
import java.util.concurrent.LinkedBlockingQueue;
import java.util.concurrent.TimeUnit;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** The remote facade before a real server: what it answers and throws is what the embedded one would. */
class RemoteKloigosTest {
    private static final SshPublicKey KEY = new SshPublicKey(TestServer.KEY);
    private static final ComputeId UNIT = new ComputeId("host1_4-7");
    private static final Reason REASON = new Reason("disk to be replaced");
    private static final AllocateRequest ALLOCATE = new AllocateRequest(
            4,
            "eu",
            "a",
            new Tags(Map.of("deployment_id", "web", "replica", 2, "roles", List.of("db", "cache"))),
            List.of(KEY),
            Instant.parse("2099-01-01T00:00:00Z"),
            Placement.SPREAD,
            new AntiAffinity("deployment_id", AntiAffinity.Scope.SERVER));

    /** The server decides by the token who is asking, keeps the tokens, has /metrics and /readyz, and sends long lists. */
    private static final Set<String> OF_WHOEVER_RUNS_THE_SERVER = Set.of(
            "of",
            "access",
            "counts",
            "observe",
            "operationsAfter",
            "requireReady",
            "sshEndpoint",
            "sshEndpoints",
            "streamUnits",
            "unitsAfter",
            "serversAfter",
            "version");

    private TestServer server;
    private RemoteKloigos remote;

    @BeforeEach
    void start(@TempDir Path directory) {
        server = new TestServer(directory).withHost1();
        remote = RemoteKloigos.connect(ClientSettings.of("http://127.0.0.1:" + server.server.port()));
    }

    @AfterEach
    void stop() {
        remote.close();
        server.close();
    }

    @Test
    void hasEveryMethodOfTheEmbeddedOne() {
        assertThat(methods(Fleet.class)).hasSizeGreaterThan(30);
        assertThat(methods(RemoteKloigos.class).keySet())
                .isEqualTo(methods(Fleet.class).keySet());
        Map<String, String> embedded = methods(Kloigos.class);
        assertThat(embedded.keySet()).containsAll(methods(Fleet.class).keySet());
        embedded.keySet().removeAll(methods(Fleet.class).keySet());
        assertThat(Set.copyOf(embedded.values())).isEqualTo(OF_WHOEVER_RUNS_THE_SERVER);
    }

    /** Returns the names of the public methods by their signatures, but for those that an interface itself implements. */
    private static Map<String, String> methods(Class<?> type) {
        return Arrays.stream(type.getDeclaredMethods())
                .filter(method -> Modifier.isPublic(method.getModifiers()) && !Modifier.isStatic(method.getModifiers()))
                .filter(method -> !method.isSynthetic() && !method.isDefault())
                .collect(Collectors.toMap(RemoteKloigosTest::signature, Method::getName, (a, b) -> a, TreeMap::new));
    }

    private static String signature(Method method) {
        return method.getGenericReturnType() + " " + method.getName() + Arrays.toString(method.getParameterTypes());
    }

    @Test
    void unitsAndOperationsAreAsTheEmbeddedOneTellsThem() {
        ComputeUnit unit = remote.allocate(ALLOCATE);

        assertThat(unit.status()).isEqualTo(UnitStatus.ALLOCATED);
        assertThat(unit).isEqualTo(server.kloigos.unit(unit.id()));
        assertThat(remote.units(UnitFilter.all())).isEqualTo(server.kloigos.units(UnitFilter.all()));
        assertThat(remote.units(new UnitFilter(null, "host1", "eu", "a", 4, "web", UnitStatus.ALLOCATED)))
                .containsExactly(unit);
        String id = String.valueOf(unit.operationId());
        assertThat(remote.operation(id)).isEqualTo(server.kloigos.operation(id));
        assertThat(remote.operations(1)).isEqualTo(server.kloigos.operations(1)).hasSize(1);
    }

    @Test
    void aListOfOperationsLongerThanAPageIsWhole() {
        server.withOperations(2100);
        assertThat(remote.operations(Integer.MAX_VALUE))
                .isEqualTo(server.kloigos.operations(Integer.MAX_VALUE))
                .hasSize(2101);
        assertThat(remote.operations(1500))
                .isEqualTo(server.kloigos.operations(1500))
                .hasSize(1500);
    }

    @Test
    void anOperationIsFoundByTheKeyOfItsRequest() {
        ComputeUnit unit = remote.allocate(ALLOCATE, RequestKey.of("job-17"));

        assertThat(remote.operationOf("job-17"))
                .isEqualTo(server.kloigos.operationOf("job-17"))
                .hasValueSatisfying(operation -> assertThat(operation.id()).isEqualTo(unit.operationId()));
        assertThat(remote.operationOf("job-18")).isEmpty();
        assertThat(server.kloigos.of(new Tenant("acme")).operationOf("job-17"))
                .as("each tenant has keys of its own")
                .isEmpty();
        assertThatThrownBy(() -> remote.operationOf("a b")).hasMessageContaining("no spaces");
    }

    @Test
    void aServerIsAsTheEmbeddedOneTellsItButForWhatTheApiLeavesOut() {
        assertThat(remote.server("host1"))
                .usingRecursiveComparison()
                .ignoringFields(
                        "address.sshPort",
                        "address.sshUser",
                        "facts.accounts",
                        "facts.cgroupControllers",
                        "facts.directories",
                        "facts.disks",
                        "facts.groups",
                        "facts.hostKey",
                        "facts.listeningPorts",
                        "facts.mailers",
                        "facts.managedBy",
                        "facts.mounts",
                        "facts.reservedPorts",
                        "facts.settings",
                        "facts.sshAllows",
                        "facts.sshUnit",
                        "facts.volumeGroups",
                        "facts.workqueueCpus",
                        "facts.topology.cores.coreId")
                .isEqualTo(server.kloigos.server("host1"));
        assertThat(remote.servers()).containsExactly(remote.server("host1"));
    }

    @Test
    void aUnitLivesItsWholeLife() {
        ComputeUnit unit = remote.allocate(ALLOCATE);
        ComputeId id = unit.id();

        UnitUsage usage = remote.usage(id);
        assertThat(usage)
                .usingRecursiveComparison()
                .comparingOnlyFields("computeId", "swap", "tasks", "oomKills", "memoryPressure", "disks", "sockets")
                .isEqualTo(server.kloigos.usage(id));
        assertThat(usage.cpuTime()).isPositive();
        assertThat(usage.io()).isNotEmpty();
        assertThat(remote.change(id, new UnitChange.Stop()).isStopped()).isTrue();
        assertThat(remote.change(id, new UnitChange.Start()).isStopped()).isFalse();
        LimitChange more = new LimitChange(
                ByteSize.parse("1G"),
                ByteSize.parse("512M"),
                ByteSize.parse("0"),
                2000,
                null,
                null,
                null,
                List.of(new IoLimit("/dev/vdb", ByteSize.parse("10M"), null, null, 100L)));
        assertThat(remote.change(id, new UnitChange.Resize(more)).limits())
                .isEqualTo(server.kloigos.unit(id).limits());
        SshPublicKey another = new SshPublicKey(TestServer.KEY.replace("tenant", "another"));
        assertThat(remote.change(id, new UnitChange.RotateKeys(List.of(KEY, another)))
                        .sshPublicKeys())
                .containsExactly(KEY, another);
        assertThat(remote.setTags(id, new Tags(Map.of("a", "b"))).tags().values())
                .isEqualTo(Map.of("a", "b"));
        assertThat(remote.setExpiry(id, null).expiresAt()).isNull();
        assertThat(remote.await(remote.deallocate(id).id()).state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(remote.certificate(id)).isEqualTo(server.kloigos.certificate(id));
        assertThat(remote.withdraw(id, REASON).status()).isEqualTo(UnitStatus.UNAVAILABLE);
        assertThat(remote.putBack(id).status()).isEqualTo(UnitStatus.FREE);
    }

    @Test
    void aServerLivesItsWholeLife() {
        InitServerRequest request = new InitServerRequest(
                new HostAddress("host2", "10.0.0.2", 2222, "ops", null),
                "eu",
                "b",
                new UnitDivision.Ranges(List.of(CpuSet.parse("2"), CpuSet.parse("3"))),
                new Housekeeping.Cpus(CpuSet.parse("0-1")),
                List.of(),
                new LimitRequest(
                        ByteSize.parse("600M"),
                        ByteSize.parse("256M"),
                        ByteSize.parse("128M"),
                        null,
                        500,
                        null,
                        null,
                        null,
                        List.of(),
                        PortEnforcement.NFTABLES));

        assertThat(remote.previewInit(request).units())
                .isEqualTo(server.kloigos.previewInit(request).units());
        Operation init = remote.await(
                remote.initServer(request, RequestKey.of("init-host2")).id());
        assertThat(init.state()).isEqualTo(Operation.State.SUCCEEDED);
        assertThat(remote.initServer(request, RequestKey.of("init-host2"))).isEqualTo(init);
        assertThat(remote.server("host2").address().sshPort()).isEqualTo(2222);
        assertThat(remote.units(UnitFilter.ofServer("host2")).get(0).limits().tasksMax())
                .isEqualTo(500);
        assertThat(remote.cordon("host2", REASON).cordon()).isEqualTo(REASON);
        assertThat(remote.uncordon("host2").cordon()).isNull();
        assertThatThrownBy(() -> remote.forget("host2", REASON))
                .hasMessageContaining("Cannot forget host2: it is ready");
        remote.allocate(new AllocateRequest(1, null, "b", Tags.none(), KEY));
        DrainRequest drain = new DrainRequest("host2", REASON, Tenants.EVICT);
        assertThat(remote.previewDrain(drain)).isEqualTo(remote.previewDrain(drain));
        List<Operation> evictions = remote.drain(drain);
        assertThat(evictions)
                .singleElement()
                .satisfies(operation ->
                        assertThat(remote.await(operation.id()).state()).isEqualTo(Operation.State.SUCCEEDED));
        DecommissionRequest decommission = DecommissionRequest.of("host2");
        assertThat(remote.previewDecommission(decommission).steps())
                .isEqualTo(server.kloigos.previewDecommission(decommission).steps());
        assertThat(remote.await(remote.decommission(decommission).id()).state()).isEqualTo(Operation.State.SUCCEEDED);
    }

    @Test
    void theDivisionsAndDataDisksOfAnInitArriveAsTheyWereMeant() {
        for (UnitDivision division : List.of(new UnitDivision.Count(2), new UnitDivision.Size(1))) {
            InitServerRequest request = new InitServerRequest(
                    new HostAddress("host2", "10.0.0.2", null, null, null),
                    "eu",
                    "b",
                    division,
                    new Housekeeping.Count(1),
                    List.of(),
                    LimitRequest.defaults());
            assertThat(remote.previewInit(request).steps())
                    .isEqualTo(server.kloigos.previewInit(request).steps());
        }
        assertThatThrownBy(() -> remote.previewInit(new InitServerRequest(
                        new HostAddress("host2", "10.0.0.2", null, null, null),
                        "eu",
                        "b",
                        new UnitDivision.Count(2),
                        null,
                        List.of(),
                        LimitRequest.defaults(),
                        new UnitVolumes("vg9", FileSystemType.XFS, ByteSize.parse("1G")))))
                .hasMessageContaining("vg9");
        assertThatThrownBy(() -> remote.previewInit(new InitServerRequest(
                        new HostAddress("host2", "10.0.0.2", null, null, null),
                        "eu",
                        "b",
                        new UnitDivision.Count(2),
                        null,
                        List.of(new DataDisk("/dev/none", FileSystemType.XFS)),
                        LimitRequest.defaults())))
                .hasMessageContaining("/dev/none");
    }

    @Test
    void previewsChangeNothing() {
        ComputeUnit unit = remote.allocate(ALLOCATE);
        String before = server.state();

        assertThat(remote.previewDeallocate(unit.id()).steps())
                .isEqualTo(server.kloigos.previewDeallocate(unit.id()).steps());
        assertThat(remote.previewChange(unit.id(), new UnitChange.Stop()).steps())
                .isEqualTo(server.kloigos
                        .previewChange(unit.id(), new UnitChange.Stop())
                        .steps());
        AllocateRequest another = new AllocateRequest(4, null, null, Tags.none(), KEY);
        assertThat(remote.previewAllocate(another).steps())
                .isEqualTo(server.kloigos.previewAllocate(another).steps());

        assertThat(server.state()).isEqualTo(before);
    }

    @Test
    void driftIsFoundAndRepaired() {
        assertThat(remote.drift("host1")).isEmpty();
        server.host.run("nft", "flush", "ruleset");

        assertThat(remote.checkDrift("host1").deviations()).isNotEmpty();
        assertThat(remote.drift("host1")).isEqualTo(server.kloigos.drift("host1"));
        assertThat(remote.driftReports()).hasSize(1).isEqualTo(server.kloigos.driftReports());
        assertThat(remote.previewRepair("host1").steps())
                .isEqualTo(server.kloigos.previewRepair("host1").steps());
        remote.await(remote.repair("host1").id());
        assertThat(remote.checkDrift("host1").deviations()).isEmpty();
    }

    @Test
    void whatFailedIsRetried() {
        ComputeUnit unit = remote.allocate(ALLOCATE);
        server.host.inject(new HostFailure.FailStep(0, HostFailure.Effect.MISSING));
        Operation failed = remote.await(remote.deallocate(unit.id()).id());
        assertThat(failed).isEqualTo(server.kloigos.operation(failed.id()));
        assertThat(failed.state()).isEqualTo(Operation.State.FAILED);

        assertThat(remote.await(remote.retry(failed.id()).id()).state()).isEqualTo(Operation.State.SUCCEEDED);
    }

    static Stream<Arguments> refused() {
        AllocateRequest tooLarge = new AllocateRequest(64, null, null, Tags.none(), KEY);
        return Stream.of(
                refusal("unit", fleet -> fleet.unit(new ComputeId("host9_1"))),
                refusal("server", fleet -> fleet.server("host9")),
                refusal("operation", fleet -> fleet.operation("none/../such?")),
                refusal("drift", fleet -> fleet.drift("host9")),
                refusal("no certificate", fleet -> fleet.certificate(UNIT)),
                refusal("no capacity", fleet -> fleet.allocate(tooLarge)),
                refusal("not allocated", fleet -> fleet.deallocate(UNIT)),
                refusal("not stopped", fleet -> fleet.change(UNIT, new UnitChange.Start())),
                refusal("not failed", fleet -> fleet.forceRelease(UNIT, REASON)),
                refusal("no tenant to drain", fleet -> fleet.drain(new DrainRequest("host9", REASON, Tenants.REFUSE))),
                refusal(
                        "ended",
                        fleet -> fleet.cancel(fleet.operations(1).get(0).id())));
    }

    private static Arguments refusal(String name, java.util.function.Consumer<Fleet> question) {
        return Arguments.argumentSet(name, question);
    }

    @ParameterizedTest
    @MethodSource("refused")
    void refusalsAreThoseOfTheEmbeddedOne(java.util.function.Consumer<Fleet> question) {
        KloigosException embedded = catchThrowableOfType(KloigosException.class, () -> question.accept(server.kloigos));
        KloigosException told = catchThrowableOfType(KloigosException.class, () -> question.accept(remote));

        assertThat(told.code()).isEqualTo(embedded.code());
        assertThat(told).hasMessage(embedded.getMessage());
    }

    @Test
    void everyFaultIsToldWhereItIs() {
        InitServerRequest tooMuch = InitServerRequest.of(
                new HostAddress("host2", "10.0.0.2", null, null, null),
                "eu",
                "a",
                List.of(CpuSet.parse("2-3"), CpuSet.parse("90-93")));
        KloigosException embedded =
                catchThrowableOfType(KloigosException.class, () -> server.kloigos.initServer(tooMuch));
        KloigosException told = catchThrowableOfType(KloigosException.class, () -> remote.initServer(tooMuch));

        assertThat(told.code()).isEqualTo(embedded.code()).isEqualTo(ErrorCode.HOST_UNSUITABLE);
        assertThat(told.faults()).isEqualTo(embedded.faults()).isNotEmpty();
        assertThatThrownBy(() -> remote.operations(-1))
                .isInstanceOfSatisfying(
                        KloigosException.class, e -> assertThat(e.code()).isEqualTo(ErrorCode.INVALID_REQUEST))
                .hasMessageContaining("limit: is 1 to 1000");
    }

    @Test
    void listenersAreToldWhatHappensUntilTheyAreClosed() throws InterruptedException {
        BlockingQueue<Event> events = new LinkedBlockingQueue<>();
        Fleet.Registration registration = remote.listen(events::add);
        ComputeUnit unit = remote.allocate(ALLOCATE);

        Event event = events.poll(30, TimeUnit.SECONDS);
        while (!(event instanceof Event.UnitChanged changed && changed.unit().equals(unit))) {
            assertThat(event).isNotNull();
            event = events.poll(30, TimeUnit.SECONDS);
        }
        registration.close();
        registration.close();
    }

    @Test
    void closingEndsTheWaitingForAnOperation() {
        ClientSettings settings = ClientSettings.of("http://127.0.0.1:" + server.server.port() + "/");
        RemoteKloigos other = RemoteKloigos.connect(settings.withTimeout(Duration.ofMinutes(1)));
        other.close();
        other.close();
        Operation newest = server.kloigos.operations(1).get(0);

        assertThat(other.await(newest.id())).isEqualTo(server.kloigos.operation(newest.id()));
    }
}
