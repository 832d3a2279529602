package io.kloigos.testkit;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitChange;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Server;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitStatus;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Step;
import io.kloigos.testkit.HostFailure.Effect;
import io.kloigos.testkit.HostFailure.Rest;
import io.kloigos.testkit.InterruptingDriver.Interruption;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Every plan is hurt at every step, in every way. Done again, host and inventory are as if nothing had happened.
 *
 * <p>Each point has a host of its own; all points of one kind of harm share a Kloigos, so that a killed one finds the
 * operations of many hosts unfinished when it starts again.
 */
@Tag("long")
class CrashMatrixTest {
    private static final SshPublicKey KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant");

    private static final SshPublicKey SECOND_KEY =
            new SshPublicKey("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAEBAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f second");

    private static final LimitRequest LIMITS = new LimitRequest(
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            null,
            List.of(new IoLimit("/dev/sdb", ByteSize.parse("64M"), null, null, null)),
            PortEnforcement.NFTABLES);

    /** What is hurt. */
    private enum Verb {
        INIT,
        ALLOCATE,
        ROTATE_KEYS,
        RESIZE,
        STOP,
        START,
        DEALLOCATE,
        DECOMMISSION;

        /** Tells whether whoever asks for it waits for its end, and is told. */
        boolean isAwaited() {
            return this == ALLOCATE || this == ROTATE_KEYS || this == RESIZE || this == STOP || this == START;
        }
    }

    /** How it is hurt at a step. */
    private enum Harm {
        FAILS_BEFORE_ITS_EFFECT,
        FAILS_AFTER_ITS_EFFECT,
        CONNECTION_LOST_AND_THE_HOST_GOES_ON,
        CONNECTION_LOST_AND_THE_HOST_STOPS,
        REPLY_LOST,
        CANCELLED,
        KILLED_AND_THE_HOST_GOES_ON,
        KILLED_AND_THE_HOST_STOPS;

        boolean isKill() {
            return this == KILLED_AND_THE_HOST_GOES_ON || this == KILLED_AND_THE_HOST_STOPS;
        }

        @Nullable
        HostFailure failure(int step) {
            return switch (this) {
                case FAILS_BEFORE_ITS_EFFECT -> new HostFailure.FailStep(step, Effect.MISSING);
                case FAILS_AFTER_ITS_EFFECT -> new HostFailure.FailStep(step, Effect.DONE);
                case CONNECTION_LOST_AND_THE_HOST_GOES_ON, KILLED_AND_THE_HOST_GOES_ON ->
                    new HostFailure.DropAfterStep(step, Rest.GOES_ON);
                case CONNECTION_LOST_AND_THE_HOST_STOPS -> new HostFailure.DropAfterStep(step, Rest.IS_LOST);
                case REPLY_LOST -> new HostFailure.LoseReply();
                case CANCELLED, KILLED_AND_THE_HOST_STOPS -> null;
            };
        }

        Interruption interruption(int step) {
            return switch (this) {
                case CANCELLED -> Interruption.cancelAt(step);
                case KILLED_AND_THE_HOST_STOPS -> Interruption.killAt(step);
                case KILLED_AND_THE_HOST_GOES_ON -> Interruption.killWhenLost();
                default -> Interruption.none();
            };
        }

        /** Returns the steps at which this makes a difference to a plan of so many. */
        IntStream steps(int count) {
            return switch (this) {
                case REPLY_LOST -> IntStream.of(count - 1);
                // Cancelled at its last step, a plan is complete.
                case CANCELLED -> IntStream.range(0, count - 1);
                default -> IntStream.range(0, count);
            };
        }
    }

    /** A verb that is hurt at a step, on a host of its own. */
    private record Point(Verb verb, int step, FakeHost host) {
        String hostname() {
            return host.address().hostname();
        }

        @Override
        public String toString() {
            return verb + " at step " + step;
        }
    }

    @TempDir
    private Path directory;

    private final List<FakeHost> hosts = new ArrayList<>();
    private @Nullable InterruptingDriver started;
    private @Nullable Kloigos running;

    private FakeHost host() {
        int number = hosts.size();
        FakeHost host = FakeHost.builder(
                        String.format("host%04d", number), "10.0." + (100 + number / 100) + "." + (100 + number % 100))
                .cpus(16)
                .nodes(2)
                .disk("/dev/sdb", ByteSize.parse("100G"))
                .build();
        hosts.add(host);
        return host;
    }

    private void start() {
        InterruptingDriver driver = new InterruptingDriver(
                FakeFleet.of(hosts.toArray(FakeHost[]::new)).driver(),
                plan -> kloigos().cancel(operationId(plan)));
        started = driver;
        running = Kloigos.builder()
                .driver(driver)
                .database(directory.resolve("kloigos.db"))
                .threads(driver::threadThatMayBeKilled)
                .build();
    }

    private Kloigos kloigos() {
        return Objects.requireNonNull(running);
    }

    private InterruptingDriver driver() {
        return Objects.requireNonNull(started);
    }

    private static String operationId(HostPlan plan) {
        return plan.id().substring(0, plan.id().lastIndexOf('.'));
    }

    // The verbs

    private String begin(Verb verb, FakeHost host) {
        String hostname = host.address().hostname();
        return switch (verb) {
            case INIT ->
                kloigos()
                        .initServer(new InitServerRequest(
                                host.address(),
                                hostname,
                                "a",
                                new UnitDivision.Ranges(List.of(CpuSet.parse("4-7"))),
                                null,
                                List.of(new DataDisk("/dev/sdb", FileSystemType.EXT4)),
                                LIMITS))
                        .id();
            case ALLOCATE -> {
                kloigos().allocate(new AllocateRequest(4, hostname, null, Tags.none(), KEY));
                yield lastOperation(host);
            }
            case ROTATE_KEYS -> change(host, new UnitChange.RotateKeys(List.of(KEY, SECOND_KEY)));
            case RESIZE ->
                change(
                        host,
                        new UnitChange.Resize(new LimitChange(
                                ByteSize.parse("2G"), null, null, 500, ByteSize.parse("5G"), null, null, List.of())));
            case STOP -> change(host, new UnitChange.Stop());
            case START -> change(host, new UnitChange.Start());
            case DEALLOCATE -> {
                host.tenantLeaves(unit(hostname).uid(), Trace.values());
                yield kloigos().deallocate(unit(hostname).id()).id();
            }
            case DECOMMISSION ->
                kloigos().decommission(DecommissionRequest.of(hostname)).id();
        };
    }

    private String change(FakeHost host, UnitChange change) {
        kloigos().change(unit(host.address().hostname()).id(), change);
        return lastOperation(host);
    }

    private ComputeUnit unit(String hostname) {
        return kloigos().units(UnitFilter.ofServer(hostname)).get(0);
    }

    private Operation complete(Verb verb, FakeHost host) {
        Operation operation = kloigos().await(begin(verb, host));
        assertThat(operation.error()).as("%s of %s", verb, host).isNull();
        return operation;
    }

    /** Brings a host to where the verb begins. */
    private void prepare(Verb verb, FakeHost host) {
        for (Verb earlier : Verb.values()) {
            if (earlier == verb) {
                return;
            }
            complete(earlier, host);
        }
    }

    /** Returns what is on the host and in the inventory, line by line, without what differs from host to host. */
    private List<String> outcome(FakeHost host) {
        String hostname = host.address().hostname();
        Server server = kloigos().server(hostname);
        ComputeUnit unit = unit(hostname);
        String all = host.state() + "\n" + server.status() + server.reason() + "\n" + unit.id() + " " + unit.status()
                + unit.reason() + " " + unit.tags() + " " + unit.sshPublicKeys() + " " + unit.isStopped() + " "
                + unit.limits();
        return all.replace(hostname, "HOST")
                .replace(host.address().ip(), "IP")
                // The label of a data disk is made of the host's name.
                .replaceAll("kl[0-9a-f]{9}", "LABEL")
                .lines()
                .toList();
    }

    // The matrix

    @ParameterizedTest
    @EnumSource
    void whatWasHurtIsDoneAgainAndNothingTellsTheDifference(Harm harm) {
        Map<Verb, FakeHost> unhurt = new EnumMap<>(Verb.class);
        Map<Verb, Integer> counts = new EnumMap<>(Verb.class);
        Stream.of(Verb.values()).forEach(verb -> unhurt.put(verb, host()));
        start();
        unhurt.forEach((verb, host) -> {
            prepare(verb, host);
            counts.put(verb, complete(verb, host).steps().size());
        });
        kloigos().close();
        List<Point> points = Stream.of(Verb.values())
                .flatMap(verb ->
                        harm.steps(counts.getOrDefault(verb, 0)).mapToObj(step -> new Point(verb, step, host())))
                .toList();
        start();
        points.parallelStream().forEach(point -> prepare(point.verb(), point.host()));

        List<String> operations =
                points.stream().map(point -> hurt(point, harm)).toList();
        if (harm.isKill()) {
            kloigos().close();
            start();
        }

        for (int i = 0; i < points.size(); i++) {
            Point point = points.get(i);
            String id = operations.get(i);
            if (!harm.isKill()) {
                requireFailed(point, harm, kloigos().await(id));
                kloigos().retry(id);
            }
            assertThat(kloigos().await(id).error()).as("%s, %s", point, harm).isNull();
            FakeHost twin = Objects.requireNonNull(unhurt.get(point.verb()));
            assertThat(outcome(point.host())).as("%s, %s", point, harm).containsExactlyElementsOf(outcome(twin));
            requireEffectsOnce(point, harm, id, twin);
        }
        kloigos().close();
        System.out.println("Crash matrix: " + harm + " at " + points.size() + " points, all ended right");
    }

    /** Begins the verb and sees it end badly; returns its operation. */
    private String hurt(Point point, Harm harm) {
        HostFailure failure = harm.failure(point.step());
        if (failure != null) {
            point.host().inject(failure);
        }
        driver().interrupt(point.hostname(), harm.interruption(point.step()));
        if (point.verb().isAwaited()) {
            assertThat(catchThrowable(() -> begin(point.verb(), point.host())))
                    .as("%s, %s", point, harm)
                    .isNotNull();
        } else {
            begin(point.verb(), point.host());
        }
        HostPlan plan = driver().awaitEnd(point.hostname());
        return operationId(plan);
    }

    private void requireFailed(Point point, Harm harm, Operation operation) {
        Operation.State expected = harm == Harm.CANCELLED ? Operation.State.CANCELLED : Operation.State.FAILED;
        assertThat(operation.state()).as("%s, %s", point, harm).isEqualTo(expected);
        ComputeUnit unit = unit(point.hostname());
        UnitStatus failed =
                switch (point.verb()) {
                    case INIT -> UnitStatus.INIT_FAIL;
                    case ALLOCATE -> UnitStatus.ALLOCATION_FAIL;
                    case ROTATE_KEYS, RESIZE, STOP, START -> UnitStatus.ALLOCATED;
                    case DEALLOCATE -> UnitStatus.DEALLOCATION_FAIL;
                    case DECOMMISSION -> UnitStatus.DECOMMISSION_FAIL;
                };
        assertThat(unit.status()).as("%s, %s", point, harm).isEqualTo(failed);
        assertThat(unit.reason()).as("the reason beside the status").isEqualTo(operation.error());
    }

    /**
     * A host that went on knows the plan, so nothing is done twice. Where the plan is applied again, what it finds done is not
     * done again, but for commands, which may be repeated. Plans that take something away also take away what they add on the
     * way, so they add it again.
     */
    private void requireEffectsOnce(Point point, Harm harm, String operationId, FakeHost twin) {
        List<Integer> effects = effects(point.host(), operationId);
        List<Integer> unhurt = effects(twin, lastOperation(twin));
        if (harm == Harm.KILLED_AND_THE_HOST_GOES_ON) {
            assertThat(effects).as("%s, %s", point, harm).isEqualTo(unhurt);
        } else if (point.verb() == Verb.INIT || point.verb() == Verb.ALLOCATE) {
            List<Step> steps = driver().plan(point.hostname()).steps();
            for (int i = 0; i < steps.size(); i++) {
                if (!(steps.get(i) instanceof Step.Command)) {
                    assertThat(effects.get(i))
                            .as(
                                    "%s, %s: effects of step %d, %s",
                                    point, harm, i, steps.get(i).describe())
                            .isEqualTo(unhurt.get(i));
                }
            }
        }
    }

    private String lastOperation(FakeHost host) {
        return String.valueOf(unit(host.address().hostname()).operationId());
    }

    /** Returns how often each step of the operation changed the host, in all attempts. */
    private static List<Integer> effects(FakeHost host, String operationId) {
        return host.applied().stream()
                .filter(plan -> plan.id().startsWith(operationId + "."))
                .map(AppliedPlan::effects)
                .reduce((first, second) -> IntStream.range(0, first.size())
                        .mapToObj(i -> first.get(i) + second.get(i))
                        .toList())
                .orElseThrow();
    }
}
