package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DataDisks;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostFacts;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.PortRange;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitVolumes;
import io.kloigos.planner.DecommissionPlanner;
import io.kloigos.planner.InitPlanner;
import io.kloigos.planner.ReleasePlanner;
import io.kloigos.planner.TenancyPlanner;
import io.kloigos.rules.Bases;
import io.kloigos.rules.ServerLayout;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Step;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Kloigos' own plans do on the fake what they are made for, and fail on it where a real host would fail. */
class PlansOnFakeHostTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");

    /** A host, the request to init it, and what follows from both. */
    record Scene(String name, FakeHost host, Server server, List<ComputeUnit> units) {
        static Scene of(String name, FakeHostBuilder builder, List<DataDisk> disks, LimitRequest limits) {
            return of(name, builder, disks, null, limits);
        }

        static Scene of(
                String name,
                FakeHostBuilder builder,
                List<DataDisk> disks,
                @Nullable UnitVolumes volumes,
                LimitRequest limits) {
            FakeHost host = builder.build();
            HostFacts facts = host.facts();
            InitServerRequest request = new InitServerRequest(
                    host.address().pinned(host.hostKey()),
                    "eu",
                    "a",
                    new UnitDivision.Ranges(List.of(CpuSet.parse("2-5"), CpuSet.parse("6-9,12"))),
                    null,
                    disks,
                    limits,
                    volumes);
            ServerLayout layout = ServerLayout.of(request, facts, Bases.defaults());
            Server server = new Server(
                    request.address(),
                    "eu",
                    "a",
                    ServerStatus.INITIALIZING,
                    "",
                    null,
                    layout.housekeepingCpus(),
                    layout.memoryReserve(),
                    layout.volumes(),
                    facts,
                    layout.warnings(),
                    Instant.EPOCH,
                    null);
            return new Scene(name, host, server, layout.units());
        }

        ComputeUnit unit() {
            return units.get(0);
        }

        HostPlan init() {
            return InitPlanner.init("init", server, units, "test");
        }

        PlanReport apply(HostPlan plan) {
            try (HostDriver driver = FakeFleet.of(host).driver();
                    HostSession session = driver.open(server.address())) {
                return session.apply(plan, PlanListener.none());
            }
        }

        void succeed(HostPlan plan) {
            PlanReport report = apply(plan);
            assertThat(report.failure())
                    .as(() -> plan.steps()
                            .get(report.failure().orElseThrow().index())
                            .describe())
                    .isEmpty();
            assertThat(report.steps()).hasSameSizeAs(plan.steps());
        }

        @Override
        public String toString() {
            return name;
        }
    }

    static Scene plain() {
        return Scene.of(
                "two nodes",
                FakeHost.builder("host1", "10.0.0.1").cpus(16).nodes(2).listening(2010),
                List.of(),
                LimitRequest.defaults());
    }

    static Stream<Scene> scenes() {
        DataDisk xfs = new DataDisk("/dev/sdb", FileSystemType.XFS);
        DataDisk ext4 = new DataDisk("/dev/sdc", FileSystemType.EXT4);
        ByteSize big = ByteSize.parse("100G");
        return Stream.of(
                plain(),
                Scene.of(
                        "a logical volume a unit",
                        FakeHost.builder("host6", "10.0.0.6").cpus(16).volumeGroup("vg0", big),
                        List.of(),
                        new UnitVolumes("vg0", FileSystemType.EXT4, null),
                        LimitRequest.defaults()),
                Scene.of(
                        "one data disk, SMT",
                        FakeHost.builder("host2", "10.0.0.2")
                                .cpus(16)
                                .threadsPerCore(2)
                                .disk("/dev/sdb", big),
                        List.of(xfs),
                        LimitRequest.defaults()),
                Scene.of(
                        "a data disk a unit, I/O limits, old systemd",
                        FakeHost.builder("host3", "10.0.0.3")
                                .systemd(252)
                                .without(Capability.SYSTEMD_BPF, Capability.CROND)
                                .disk("/dev/sdb", big)
                                .disk("/dev/sdc", big),
                        List.of(xfs, ext4),
                        new LimitRequest(
                                null,
                                null,
                                null,
                                null,
                                512,
                                ByteSize.parse("2G"),
                                ByteSize.parse("20G"),
                                null,
                                List.of(new IoLimit("/dev/sdb", ByteSize.parse("8M"), null, null, 500L)),
                                PortEnforcement.NFTABLES)),
                Scene.of(
                        "no quotas, bind refused",
                        FakeHost.builder("host4", "10.0.0.4")
                                .withoutQuotas()
                                .without(Capability.QUOTA_TOOLS)
                                .reservedPorts("8080,9000-9100"),
                        List.of(),
                        new LimitRequest(
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                null,
                                List.of(),
                                PortEnforcement.SOCKET_BIND)));
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void initLetsNobodyIn(Scene scene) {
        scene.succeed(scene.init());

        assertThat(scene.host().login(scene.unit().user()).refusal()).contains("no key");
        assertThat(scene.host().processes(scene.unit().uid())).isEmpty();
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void anAllocatedUnitHasItsShareAndNoMore(Scene scene) {
        scene.succeed(scene.init());
        scene.succeed(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));

        TenantLogin login = scene.host().login(scene.unit().user());
        assertThat(login.refusal()).isEmpty();
        assertThat(login.keys()).containsExactly(KEY.line());
        assertThat(login.cpus()).isEqualTo(scene.unit().cpus());
        assertThat(login.memory()).isEqualTo(scene.unit().limits().memoryMax());
        assertThat(login.ports()).containsExactly(scene.unit().ports());
        assertThat(scene.host().processes(scene.unit().uid())).containsExactly("systemd --user");
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void nothingOfATenantSurvivesDeallocation(Scene scene) {
        scene.succeed(scene.init());
        String staged = scene.host().state();
        scene.succeed(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));
        scene.host().tenantLeaves(scene.unit().uid(), Trace.values());

        scene.succeed(ReleasePlanner.deallocate("deallocate", scene.server(), scene.unit()));

        assertThat(scene.host().state().lines())
                .containsExactlyElementsOf(staged.lines().toList());
    }

    static Stream<Scene> scenesWithDataDisks() {
        return scenes().filter(scene -> scene.unit().dataDirectory() != null);
    }

    @ParameterizedTest
    @MethodSource("scenesWithDataDisks")
    void dataGoesThoughSomebodyUnmountedIt(Scene scene) {
        String secret = scene.unit().dataDirectory() + "/secret";
        scene.succeed(scene.init());
        String staged = scene.host().state();
        scene.succeed(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));
        scene.host().write(scene.unit().mnt() + "/secret", "text\n");
        scene.host().run("umount", scene.unit().mnt());
        assertThat(scene.host().exists(secret)).isTrue();

        scene.succeed(ReleasePlanner.deallocate("deallocate", scene.server(), scene.unit()));

        assertThat(scene.host().exists(secret)).isFalse();
        assertThat(scene.host().state().lines())
                .containsExactlyInAnyOrderElementsOf(staged.lines().toList());
    }

    @ParameterizedTest
    @MethodSource("scenesWithDataDisks")
    void dataGoesThoughTheWholeDiskWasUnmounted(Scene scene) {
        String directory = Objects.requireNonNull(scene.unit().dataDirectory());
        scene.succeed(scene.init());
        scene.succeed(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));
        scene.host().write(scene.unit().mnt() + "/secret", "text\n");
        scene.host().run("umount", scene.unit().mnt());
        scene.host().run("umount", directory.substring(0, directory.lastIndexOf('/')));

        scene.succeed(ReleasePlanner.deallocate("deallocate", scene.server(), scene.unit()));

        assertThat(scene.host().exists(directory)).isTrue();
        assertThat(scene.host().exists(directory + "/secret")).isFalse();
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void decommissionGivesTheHostBackAsItWas(Scene scene) {
        String before = scene.host().state();
        scene.succeed(scene.init());
        scene.succeed(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));
        scene.host().tenantLeaves(scene.unit().uid(), Trace.values());

        scene.succeed(DecommissionPlanner.decommission("decommission", scene.server(), scene.units(), DataDisks.WIPE));

        assertThat(scene.host().state().lines())
                .containsExactlyElementsOf(before.lines().toList());
    }

    @ParameterizedTest
    @MethodSource("scenes")
    void aRebootChangesNothingForATenant(Scene scene) {
        scene.succeed(scene.init());
        scene.succeed(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));
        TenantLogin before = scene.host().login(scene.unit().user());

        scene.host().reboot();

        assertThat(scene.host().login(scene.unit().user())).isEqualTo(before);
        assertThat(scene.host().processes(scene.unit().uid())).containsExactly("systemd --user");
        scene.succeed(ReleasePlanner.deallocate("deallocate", scene.server(), scene.unit()));
    }

    @Test
    void everyPlanThatFailsAnywhereCanBeAppliedAgain() {
        Scene scene = plain();
        scene.succeed(scene.init());
        String staged = scene.host().state();
        HostPlan allocate = TenancyPlanner.allocate("a", scene.server(), scene.unit(), List.of(KEY));
        scene.succeed(allocate);
        String allocated = scene.host().state();
        HostPlan deallocate = ReleasePlanner.deallocate("d", scene.server(), scene.unit());
        scene.succeed(deallocate);

        for (HostFailure.Effect effect : HostFailure.Effect.values()) {
            IntStream.range(0, allocate.steps().size()).forEach(step -> {
                scene.host().inject(new HostFailure.FailStep(step, effect));
                assertThat(scene.apply(named(allocate, "a-fail-" + effect + step))
                                .failure())
                        .isPresent();
                scene.succeed(named(allocate, "a-again-" + effect + step));
                assertThat(scene.host().state()).isEqualTo(allocated);
                scene.succeed(named(deallocate, "d-" + effect + step));
            });
            IntStream.range(0, deallocate.steps().size()).forEach(step -> {
                scene.succeed(named(allocate, "b-" + effect + step));
                scene.host().inject(new HostFailure.FailStep(step, effect));
                assertThat(scene.apply(named(deallocate, "b-fail-" + effect + step))
                                .failure())
                        .isPresent();
                scene.succeed(named(deallocate, "b-again-" + effect + step));
                assertThat(scene.host().state()).isEqualTo(staged);
            });
        }
    }

    @Test
    void aFullDiskFailsWhatWritesAndHarmsNothing() {
        Scene scene = plain();
        scene.succeed(scene.init());
        HostPlan allocate = TenancyPlanner.allocate("a", scene.server(), scene.unit(), List.of(KEY));
        HostPlan deallocate = ReleasePlanner.deallocate("d", scene.server(), scene.unit());
        scene.succeed(allocate);
        String allocated = scene.host().state();
        scene.succeed(deallocate);

        for (int step = 0; step < allocate.steps().size(); step++) {
            scene.host().inject(new HostFailure.DiskFull(step));
            // The key comes last, so that there is always something left to write.
            assertThat(scene.apply(named(allocate, "a-full-" + step))
                            .failure()
                            .orElseThrow()
                            .detail())
                    .contains("No space left on device");
            assertThat(scene.host().login(scene.unit().user()).succeeds()).isFalse();
            scene.succeed(named(allocate, "a-again-" + step));
            assertThat(scene.host().state()).isEqualTo(allocated);
            scene.succeed(named(deallocate, "d-" + step));
        }
    }

    @Test
    void aFullDiskLeavesRoomInMemoryAndForRemovals() {
        Scene scene = plain();
        scene.host().write("/tmp/there", "text\n");
        HostPlan plan = new HostPlan(
                "full",
                HostPlan.Scope.host(),
                Duration.ofSeconds(30),
                List.of(
                        new Step.TextFile("/dev/shm/new", "text\n", Step.Access.rootFile()),
                        new Step.TextFile("/run/lock/new", "text\n", Step.Access.rootFile()),
                        new Step.TextFile("/tmp/there", "text\n", Step.Access.rootFile()),
                        new Step.Removal("/tmp/there"),
                        new Step.TextFile("/tmp/there", "text\n", Step.Access.rootFile())));
        scene.host().inject(new HostFailure.DiskFull(0));

        PlanReport report = scene.apply(plan);

        assertThat(report.failure().orElseThrow().index()).isEqualTo(4);
        assertThat(report.failure().orElseThrow().detail()).isEqualTo("/tmp/there: No space left on device");
        scene.succeed(named(plan, "room"));
    }

    private static HostPlan named(HostPlan plan, String id) {
        return new HostPlan(id, plan.scope(), plan.timeLimit(), plan.steps());
    }

    @ParameterizedTest
    @ValueSource(strings = {"reload", "restart", "stop"})
    void portsStayEnforcedWhateverBecomesOfNftables(String verb) {
        Scene scene = plain();
        scene.succeed(scene.init());

        scene.host().run("systemctl", verb, "nftables.service");

        assertThat(scene.host().run("nft", "list", "tables")).contains("table inet kloigos");
    }

    @Test
    void aFailureNamesWhatTheHostSaid() {
        Scene scene = plain();
        scene.succeed(scene.init());
        scene.host().run("nft", "delete", "table", "inet", "kloigos");
        scene.host().write("/etc/kloigos/ports.nft", "nonsense\n");

        PlanReport report =
                scene.apply(TenancyPlanner.allocate("allocate", scene.server(), scene.unit(), List.of(KEY)));

        assertThat(report.failure().orElseThrow().detail())
                .contains("kloigos-ports.service failed")
                .contains("unexpected string");
        assertThat(scene.host().login(scene.unit().user()).succeeds()).isFalse();
    }

    @Test
    void aForeignAccountOfTheSameUidIsNoticed() {
        Scene scene = plain();
        scene.host().write("/etc/other.conf", "u stranger 20000 \"\" /nowhere /bin/sh\n");
        scene.host().run("systemd-sysusers", "/etc/other.conf");

        assertThat(scene.apply(scene.init()).failure().orElseThrow().detail()).contains("expected u2-5:x:20000:20000");
    }

    @Test
    void aDiskThatHoldsSomethingIsNeverFormatted() {
        Scene scene = Scene.of(
                "disk",
                FakeHost.builder("host5", "10.0.0.5").disk("/dev/sdb", ByteSize.parse("100G")),
                List.of(new DataDisk("/dev/sdb", FileSystemType.EXT4)),
                LimitRequest.defaults());
        FakeHost taken = FakeHost.builder("host5", "10.0.0.5")
                .disk("/dev/sdb", ByteSize.parse("100G"), "LVM2_member")
                .build();
        Scene later = new Scene("taken", taken, scene.server(), scene.units());

        assertThat(later.apply(scene.init()).failure().orElseThrow().detail())
                .isEqualTo("/dev/sdb holds LVM2_member; only a blank disk is formatted");
    }

    @Test
    void aGroupThatHasLessRoomThanItHadIsSaid() {
        Scene scene = Scene.of(
                "volumes",
                FakeHost.builder("host7", "10.0.0.7").volumeGroup("vg0", ByteSize.parse("10G")),
                List.of(),
                new UnitVolumes("vg0", FileSystemType.EXT4, ByteSize.parse("5G")),
                LimitRequest.defaults());
        FakeHost small = FakeHost.builder("host7", "10.0.0.7")
                .volumeGroup("vg0", ByteSize.parse("8G"))
                .build();
        Scene later = new Scene("smaller", small, scene.server(), scene.units());

        assertThat(later.apply(scene.init()).failure().orElseThrow().detail())
                .contains("Volume group \"vg0\" has insufficient free space (768 extents): 1280 required.");
    }

    @Test
    void portsStayApartFromListeners() {
        Scene scene = plain();

        assertThat(scene.units().stream().map(ComputeUnit::ports))
                .containsExactly(new PortRange(2200, 2400), new PortRange(2400, 2600));
    }

    @Test
    void connectionFailuresHaveTheirCode() {
        Scene scene = plain();
        scene.host().inject(new HostFailure.RefuseConnection());
        scene.host().inject(new HostFailure.WrongHostKey());

        for (ErrorCode code : List.of(ErrorCode.HOST_UNREACHABLE, ErrorCode.HOST_KEY_MISMATCH)) {
            assertThatThrownBy(() -> scene.apply(scene.init()))
                    .isInstanceOfSatisfying(
                            KloigosException.class, e -> assertThat(e.code()).isEqualTo(code));
        }
        scene.succeed(scene.init());
    }
}
