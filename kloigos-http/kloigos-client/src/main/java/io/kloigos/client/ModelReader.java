package io.kloigos.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kloigos.Event;
import io.kloigos.Preview;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.DataDisk;
import io.kloigos.model.DataVolume;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.FactKind;
import io.kloigos.model.FileSystemType;
import io.kloigos.model.ForcedRelease;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.PortRange;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.Server;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenancy;
import io.kloigos.model.Tenant;
import io.kloigos.model.Trace;
import io.kloigos.model.UnitLimits;
import io.kloigos.model.UnitStatus;
import io.kloigos.model.UnitUsage;
import io.kloigos.model.Warning;
import java.time.Duration;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** What the API tells, as the values that the embedded Kloigos returns. Fields that are not known here are passed over. */
final class ModelReader {
    private static final JsonMapper JSON = new JsonMapper();

    private ModelReader() {}

    /**
     * Reads an answer.
     *
     * @throws KloigosException INTERNAL if it tells something that is not known here
     */
    static <T> T read(JsonNode answer, Function<JsonNode, T> as) {
        try {
            return as.apply(answer);
        } catch (RuntimeException e) {
            throw new KloigosException(
                    ErrorCode.INTERNAL,
                    "The server has answered with something that this client does not know: " + e.getMessage()
                            + ". What it was asked for is done. Use a client as new as the server.",
                    e);
        }
    }

    /** Reads an answer of many values, as {@link #read} does. */
    static <T> List<T> readAll(JsonNode answer, Function<JsonNode, T> as) {
        return read(answer, array -> list(array, as));
    }

    static <T> List<T> list(JsonNode array, Function<JsonNode, T> element) {
        List<T> list = new ArrayList<>();
        array.forEach(node -> list.add(element.apply(node)));
        return list;
    }

    static ComputeUnit unit(JsonNode node) {
        return new ComputeUnit(
                new ComputeId(node.required("compute_id").asText()),
                node.required("hostname").asText(),
                node.required("ip").asText(),
                node.required("region").asText(),
                node.required("zone").asText(),
                CpuSet.parse(node.required("cpu_range").asText()),
                node.required("uid").asInt(),
                PortRange.parse(node.required("ports_range").asText()),
                limits(node.required("limits")),
                null,
                constant(UnitStatus.class, node.required("status")),
                node.path("reason").asText(""),
                tenancy(node),
                text(node, "operation_id"));
    }

    @SuppressWarnings("unchecked")
    private static Tenancy tenancy(JsonNode node) {
        return new Tenancy(
                new Tags(JSON.convertValue(node.required("tags"), Map.class)),
                list(node.required("ssh_public_keys"), key -> new SshPublicKey(key.asText())),
                time(node, "started_at"),
                time(node, "expires_at"),
                time(node, "stopped_at"),
                null,
                owner(node));
    }

    private static @Nullable Tenant owner(JsonNode node) {
        String name = text(node, "owner");
        return name == null ? null : new Tenant(name);
    }

    private static UnitLimits limits(JsonNode node) {
        return new UnitLimits(
                CpuSet.parse(node.required("memory_nodes").asText()),
                size(node.required("memory_max")),
                size(node.required("memory_high")),
                size(node.required("swap_max")),
                node.required("tasks_max").asInt(),
                list(
                        node.required("disks"),
                        disk -> new UnitLimits.DiskLimit(
                                disk.required("mount_point").asText(),
                                size(disk.required("size")),
                                disk.required("inodes").asLong())),
                list(node.required("io"), ModelReader::ioLimit),
                constant(PortEnforcement.class, node.required("port_enforcement")));
    }

    private static IoLimit ioLimit(JsonNode node) {
        return new IoLimit(
                node.required("device").asText(),
                node.hasNonNull("read_bytes") ? size(node.get("read_bytes")) : null,
                node.hasNonNull("write_bytes") ? size(node.get("write_bytes")) : null,
                node.hasNonNull("read_iops") ? node.get("read_iops").longValue() : null,
                node.hasNonNull("write_iops") ? node.get("write_iops").longValue() : null);
    }

    static Server server(JsonNode node) {
        return new Server(
                new HostAddress(
                        node.required("hostname").asText(),
                        node.required("ip").asText(),
                        node.required("ssh_port").asInt(),
                        node.required("ssh_user").asText(),
                        text(node, "host_key")),
                node.required("region").asText(),
                node.required("zone").asText(),
                constant(ServerStatus.class, node.required("status")),
                node.path("reason").asText(""),
                cordon(node),
                cpus(node.required("housekeeping_cpus")),
                size(node.required("memory_reserve")),
                list(node.required("volumes"), ModelReader::volume),
                facts(node),
                list(
                        node.required("warnings"),
                        warning -> new Warning(
                                warning.required("type").asText(),
                                warning.required("message").asText())),
                Instant.parse(node.required("created_at").asText()),
                text(node, "operation_id"));
    }

    private static @Nullable Reason cordon(JsonNode node) {
        String reason = text(node, "cordon_reason");
        return reason == null ? null : new Reason(reason);
    }

    private static DataVolume volume(JsonNode node) {
        return new DataVolume(
                new DataDisk(
                        node.required("device").asText(),
                        FileSystemType.parse(node.required("filesystem").asText())),
                node.required("label").asText(),
                node.required("mount_point").asText(),
                null);
    }

    private static HostFacts facts(JsonNode server) {
        JsonNode facts = server.required("facts");
        Map<Integer, HostFacts.Node> nodes = new TreeMap<>();
        facts.required("nodes")
                .forEach(node -> nodes.put(
                        node.required("node").asInt(),
                        new HostFacts.Node(cpus(node.required("cpus")), size(node.required("memory")))));
        Set<Capability> capabilities = EnumSet.noneOf(Capability.class);
        facts.required("capabilities")
                .forEach(name -> known(Capability.class, name).ifPresent(capabilities::add));
        return new HostFacts(
                server.path("host_key").asText(""),
                facts.required("os").asText(),
                facts.required("kernel").asText(),
                facts.required("systemd_version").asInt(),
                capabilities,
                Set.of(),
                cpus(facts.required("online_cpus")),
                nodes,
                topology(facts),
                size(facts.required("memory")),
                size(facts.required("swap")),
                Map.of(),
                List.of(),
                Map.of(),
                Set.of(),
                "",
                null,
                Map.of(),
                Set.of(),
                Map.of(),
                Map.of(),
                Set.of(),
                "",
                "",
                List.of());
    }

    private static CpuTopology topology(JsonNode facts) {
        List<CpuTopology.Core> cores = new ArrayList<>();
        for (JsonNode core : facts.required("cores")) {
            CpuSet cpus = cpus(core);
            cores.add(core(cpus, cores.size(), facts.required("packages")));
        }
        return new CpuTopology(
                cores,
                list(
                        facts.required("caches"),
                        cache -> new CpuTopology.Cache(
                                cpus(cache.required("cpus")),
                                cache.required("level").asInt(),
                                size(cache.required("size")))));
    }

    private static CpuTopology.Core core(CpuSet cpus, int number, JsonNode packages) {
        for (JsonNode socket : packages) {
            if (cpus(socket.required("cpus")).intersects(cpus)) {
                int die = 0;
                while (!cpus(socket.required("dies").required(die)).intersects(cpus)) {
                    die++;
                }
                return new CpuTopology.Core(cpus, socket.required("package").asInt(), die, number);
            }
        }
        return new CpuTopology.Core(cpus, -1, 0, number);
    }

    static Operation operation(JsonNode node) {
        return new Operation(
                node.required("id").asText(),
                constant(Operation.Kind.class, node.required("kind")),
                node.required("hostname").asText(),
                computeId(node),
                constant(Operation.State.class, node.required("state")),
                node.required("attempt").asInt(),
                text(node, "error"),
                node.hasNonNull("error_code")
                        ? known(ErrorCode.class, node.get("error_code")).orElse(ErrorCode.INTERNAL)
                        : null,
                Instant.parse(node.required("created_at").asText()),
                time(node, "started_at"),
                time(node, "ended_at"),
                list(
                        node.path("steps"),
                        step -> new Operation.Step(
                                step.required("description").asText(),
                                constant(Operation.StepState.class, step.required("state")),
                                step.required("millis").asLong(),
                                step.path("detail").asText(""))),
                owner(node));
    }

    private static @Nullable ComputeId computeId(JsonNode node) {
        String id = text(node, "compute_id");
        return id == null ? null : new ComputeId(id);
    }

    static Preview preview(JsonNode node) {
        return new Preview(
                server(node.required("server")),
                list(node.required("units"), ModelReader::unit),
                list(node.required("plan").required("steps"), JsonNode::asText));
    }

    static DriftReport drift(JsonNode node) {
        return new DriftReport(
                node.required("hostname").asText(),
                Instant.parse(node.required("checked_at").asText()),
                node.required("facts").asInt(),
                counts(node.path("unit_facts")),
                list(
                        node.required("deviations"),
                        deviation -> new Deviation(
                                constant(FactKind.class, deviation.required("kind")),
                                computeId(deviation),
                                deviation.required("subject").asText(),
                                deviation.required("expected").asText(),
                                deviation.required("actual").asText())));
    }

    private static Map<ComputeId, Integer> counts(JsonNode node) {
        Map<ComputeId, Integer> counts = new HashMap<>();
        node.properties()
                .forEach(count -> counts.put(
                        new ComputeId(count.getKey()), count.getValue().asInt()));
        return counts;
    }

    static ReleaseCertificate certificate(JsonNode node) {
        String forced = text(node, "forced_reason");
        return new ReleaseCertificate(
                new ComputeId(node.required("compute_id").asText()),
                node.required("operation_id").asText(),
                Instant.parse(node.required("at").asText()),
                list(
                        node.required("findings"),
                        finding -> new ReleaseCertificate.Finding(
                                constant(Trace.class, finding.required("trace")),
                                constant(ReleaseCertificate.State.class, finding.required("state")),
                                finding.path("detail").asText(""))),
                Set.of(),
                node.hasNonNull("discard") ? constant(ReleaseCertificate.Discard.class, node.get("discard")) : null,
                forced == null ? null : new ForcedRelease(new Reason(forced), Set.of()));
    }

    static UnitUsage usage(JsonNode node) {
        return new UnitUsage(
                new ComputeId(node.required("compute_id").asText()),
                Instant.parse(node.required("read_at").asText()),
                node.hasNonNull("cpu_micros") ? micros(node.get("cpu_micros")) : null,
                node.hasNonNull("memory") ? size(node.get("memory")) : null,
                node.hasNonNull("swap") ? size(node.get("swap")) : null,
                node.hasNonNull("tasks") ? node.get("tasks").longValue() : null,
                node.hasNonNull("oom_kills") ? node.get("oom_kills").longValue() : null,
                pressure(node.path("cpu_pressure")),
                pressure(node.path("memory_pressure")),
                pressure(node.path("io_pressure")),
                list(
                        node.required("disks"),
                        disk -> new UnitUsage.Disk(
                                disk.required("mount_point").asText(),
                                size(disk.required("size")),
                                disk.required("inodes").asLong())),
                node.hasNonNull("io") ? list(node.get("io"), ModelReader::ioUsage) : null,
                list(
                        node.required("sockets"),
                        socket -> new UnitUsage.Socket(
                                socket.required("protocol").asText(),
                                socket.required("port").asInt())));
    }

    private static UnitUsage.@Nullable Pressure pressure(JsonNode node) {
        return node.isObject()
                ? new UnitUsage.Pressure(
                        node.required("avg10").asDouble(),
                        node.required("avg60").asDouble(),
                        node.required("avg300").asDouble(),
                        micros(node.required("total_micros")))
                : null;
    }

    private static UnitUsage.Io ioUsage(JsonNode node) {
        return new UnitUsage.Io(
                node.required("device").asText(),
                size(node.required("read_bytes")),
                size(node.required("write_bytes")),
                node.required("reads").asLong(),
                node.required("writes").asLong());
    }

    private static Duration micros(JsonNode count) {
        return Duration.of(count.longValue(), ChronoUnit.MICROS);
    }

    /** Returns what happened; empty if it is of a kind that is not known here. */
    static Optional<Event> event(EventSource.Message message) {
        JsonNode data = message.data();
        return switch (message.name()) {
            case "unit" -> Optional.of(new Event.UnitChanged(unit(data)));
            case "unit_expiring" -> Optional.of(new Event.UnitExpiring(unit(data)));
            case "server" -> Optional.of(new Event.ServerChanged(server(data)));
            case "drift" -> Optional.of(new Event.DriftChanged(drift(data)));
            case "operation" -> Optional.of(new Event.OperationChanged(operation(data)));
            default -> Optional.empty();
        };
    }

    private static <E extends Enum<E>> E constant(Class<E> type, JsonNode name) {
        return Enum.valueOf(type, name.asText().toUpperCase(Locale.ROOT));
    }

    private static <E extends Enum<E>> Optional<E> known(Class<E> type, JsonNode name) {
        String wanted = name.asText().toUpperCase(Locale.ROOT);
        for (E constant : type.getEnumConstants()) {
            if (constant.name().equals(wanted)) {
                return Optional.of(constant);
            }
        }
        return Optional.empty();
    }

    private static CpuSet cpus(JsonNode text) {
        return text.asText().isEmpty() ? CpuSet.of() : CpuSet.parse(text.asText());
    }

    private static ByteSize size(JsonNode bytes) {
        return new ByteSize(bytes.asLong());
    }

    private static @Nullable String text(JsonNode node, String name) {
        return node.hasNonNull(name) ? node.get(name).asText() : null;
    }

    private static @Nullable Instant time(JsonNode node, String name) {
        String text = text(node, name);
        return text == null ? null : Instant.parse(text);
    }
}
