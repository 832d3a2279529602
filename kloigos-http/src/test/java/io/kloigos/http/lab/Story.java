package io.kloigos.http.lab;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenants;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitFilter;
import io.kloigos.spi.Condition;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.UnitAccount;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.Collectors;
import java.util.stream.Stream;

/**
 * The life of one unit among three on a shared data disk, as a program that embeds Kloigos has it. The same words tell the same
 * story on every driver: requests, ids and so the plans are the same. Each answer is what became of the plan's steps.
 */
final class Story implements AutoCloseable {
    private final HostDriver driver;
    private final HostAddress address;
    private final Kloigos kloigos;

    Story(HostDriver driver, HostAddress address, Path database) {
        AtomicInteger ids = new AtomicInteger();
        this.driver = driver;
        this.address = address;
        this.kloigos = Kloigos.builder()
                .driver(driver)
                .database(database)
                .ids(() -> "story-" + ids.incrementAndGet())
                .build();
    }

    /** Does what the first word says with the others, and returns what came of it. */
    String tell(String... words) {
        return switch (words[0]) {
            case "facts" -> facts();
            case "volume" -> volume(words[1]);
            case "init" -> steps(kloigos.initServer(request()));
            case "allocate" -> allocate(words[1]);
            case "traces" -> traces();
            case "deallocate" -> steps(kloigos.deallocate(unit().id()));
            case "decommission" ->
                steps(kloigos.decommission(
                        new DecommissionRequest(address.hostname(), Tenants.REFUSE, DataDisks.WIPE)));
            default -> throw new IllegalArgumentException("no such part of the story: " + words[0]);
        };
    }

    private String facts() {
        try (HostSession session = driver.open(address)) {
            return session.facts().toString();
        }
    }

    /** Returns the kinds of traces that are found of the tenant, a line each. */
    private String traces() {
        try (HostSession session = driver.open(address)) {
            return Stream.of(Trace.values())
                    .filter(kind -> isFound(session.read(List.of(new Reading.Traces(kind, UnitAccount.of(unit()))))
                            .get(0)))
                    .map(Trace::toString)
                    .collect(Collectors.joining("\n"));
        }
    }

    /** Makes a logical volume with a file system, twice. */
    private String volume(String path) {
        String[] names = path.split("/", 2);
        List<Step> steps = List.of(
                Step.Ensure.that(
                        Condition.succeeds("lvs", path),
                        "lvcreate",
                        "-y",
                        "-W",
                        "y",
                        "-L",
                        "64M",
                        "-n",
                        names[1],
                        names[0]),
                new Step.DiskFormat("/dev/" + path, FileSystemType.EXT4, "label"));
        List<Step> twice = Stream.concat(steps.stream(), steps.stream()).toList();
        try (HostSession session = driver.open(address)) {
            return session
                    .apply(
                            new HostPlan("volume-" + names[1], HostPlan.Scope.host(), Duration.ofMinutes(1), twice),
                            PlanListener.none())
                    .steps()
                    .stream()
                    .map(step -> step.outcome() + " " + step.detail())
                    .collect(Collectors.joining("\n"));
        }
    }

    private static boolean isFound(String text) {
        return !text.equals(Reading.Traces.NONE) && !text.startsWith(Reading.Traces.UNKNOWN);
    }

    private InitServerRequest request() {
        LimitRequest limits = new LimitRequest(
                null,
                ByteSize.parse("512M"),
                ByteSize.parse("448M"),
                null,
                300,
                ByteSize.parse("120M"),
                ByteSize.parse("80M"),
                25000L,
                List.of(new IoLimit("/dev/vdb", ByteSize.parse("64M"), ByteSize.parse("32M"), null, 500L)),
                PortEnforcement.NFTABLES);
        return new InitServerRequest(
                address,
                "lab",
                "a",
                new UnitDivision.Ranges(List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"), CpuSet.parse("12-15"))),
                null,
                List.of(new DataDisk("/dev/vdb", FileSystemType.EXT4)),
                limits);
    }

    private String allocate(String key) {
        ComputeUnit unit = kloigos.allocate(new AllocateRequest(4, null, null, Tags.none(), new SshPublicKey(key)));
        return steps(kloigos.operation(Objects.requireNonNull(unit.operationId())));
    }

    private ComputeUnit unit() {
        return kloigos.units(UnitFilter.ofServer(address.hostname())).get(0);
    }

    /** Returns a line a step, once all are done. */
    private String steps(Operation begun) {
        Operation ended = kloigos.await(begun.id());
        StringBuilder out = new StringBuilder();
        ended.steps()
                .forEach(step -> out.append(step.state())
                        .append(' ')
                        .append(step.description())
                        .append(step.detail())
                        .append('\n'));
        if (ended.state() != Operation.State.SUCCEEDED) {
            throw new AssertionError(ended.kind() + " failed: " + ended.error() + "\n" + out);
        }
        return out.toString();
    }

    @Override
    public void close() {
        kloigos.close();
    }
}
