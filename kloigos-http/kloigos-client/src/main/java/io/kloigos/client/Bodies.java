package io.kloigos.client;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.Housekeeping;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.IoLimit;
import io.kloigos.model.LimitChange;
import io.kloigos.model.LimitRequest;
import io.kloigos.model.Reason;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitDivision;
import io.kloigos.model.UnitVolumes;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What is asked for, as the API wants it told. */
final class Bodies {
    private static final JsonMapper JSON = new JsonMapper();

    private Bodies() {}

    static JsonNode of(InitServerRequest request) {
        ObjectNode body = JSON.createObjectNode()
                .put("hostname", request.address().hostname())
                .put("ip", request.address().ip())
                .put("ssh_port", request.address().sshPort())
                .put("ssh_user", request.address().sshUser())
                .put("host_key", request.address().hostKey())
                .put("region", request.region())
                .put("zone", request.zone());
        put(body, request.division());
        put(body, request.housekeeping());
        ArrayNode disks = body.putArray("data_disks");
        request.dataDisks()
                .forEach(disk -> disks.addObject()
                        .put("device", disk.device())
                        .put("filesystem", disk.fileSystem().toString()));
        UnitVolumes volumes = request.unitVolumes();
        if (volumes != null) {
            ObjectNode group = body.putObject("volume_group").put("name", volumes.group());
            group.put("filesystem", volumes.fileSystem().toString());
            put(group, "volume_size", volumes.size());
        }
        body.set("limits", limits(request.limits()));
        return body;
    }

    private static void put(ObjectNode body, UnitDivision division) {
        if (division instanceof UnitDivision.Ranges ranges) {
            body.set(
                    "cpu_ranges",
                    texts(ranges.cpus().stream().map(CpuSet::toString).toList()));
        } else if (division instanceof UnitDivision.Count count) {
            body.put("units", count.count());
        } else {
            body.put("cpus_per_unit", ((UnitDivision.Size) division).cpus());
        }
    }

    private static void put(ObjectNode body, @Nullable Housekeeping housekeeping) {
        if (housekeeping instanceof Housekeeping.Count count) {
            body.put("housekeeping_cpus", count.cpus());
        } else if (housekeeping instanceof Housekeeping.Cpus cpus) {
            body.put("housekeeping_cpus", cpus.cpus().toString());
        }
    }

    private static JsonNode limits(LimitRequest limits) {
        ObjectNode body = JSON.createObjectNode();
        put(body, "memory_reserve", limits.memoryReserve());
        put(body, "memory_max", limits.memoryMax());
        put(body, "memory_high", limits.memoryHigh());
        put(body, "swap_max", limits.swapMax());
        body.put("tasks_max", limits.tasksMax());
        put(body, "disk_max", limits.diskMax());
        put(body, "data_max", limits.dataMax());
        body.put("inodes_max", limits.inodesMax());
        body.set("io", io(limits.io()));
        body.put(
                "port_enforcement",
                limits.portEnforcement() == null
                        ? null
                        : limits.portEnforcement().toString());
        return body;
    }

    private static void put(ObjectNode body, String name, @Nullable ByteSize size) {
        body.put(name, size == null ? null : Long.valueOf(size.bytes()));
    }

    private static JsonNode io(List<IoLimit> limits) {
        ArrayNode list = JSON.createArrayNode();
        for (IoLimit limit : limits) {
            ObjectNode one = list.addObject().put("device", limit.device());
            put(one, "read_bytes", limit.readBytes());
            put(one, "write_bytes", limit.writeBytes());
            one.put("read_iops", limit.readOperations()).put("write_iops", limit.writeOperations());
        }
        return list;
    }

    static JsonNode of(AllocateRequest request) {
        ObjectNode body = JSON.createObjectNode()
                .put("cpu_count", request.cpuCount())
                .put("region", request.region())
                .put("zone", request.zone())
                .put("expires_at", time(request.expiresAt()))
                .put("placement", request.placement().toString());
        body.set("tags", JSON.valueToTree(request.tags().values()));
        body.set("ssh_public_keys", keys(request.sshPublicKeys()));
        AntiAffinity antiAffinity = request.antiAffinity();
        if (antiAffinity != null) {
            body.putObject("anti_affinity")
                    .put("tag", antiAffinity.tag())
                    .put("over", antiAffinity.over().toString());
        }
        return body;
    }

    private static ArrayNode keys(List<SshPublicKey> keys) {
        return texts(keys.stream().map(SshPublicKey::line).toList());
    }

    private static ArrayNode texts(List<String> texts) {
        ArrayNode list = JSON.createArrayNode();
        texts.forEach(list::add);
        return list;
    }

    private static @Nullable String time(@Nullable Instant time) {
        return time == null ? null : time.toString();
    }

    static JsonNode of(Reason reason) {
        return JSON.createObjectNode().put("reason", reason.text());
    }

    static JsonNode of(Tags tags) {
        return JSON.createObjectNode().set("tags", JSON.valueToTree(tags.values()));
    }

    static JsonNode expiry(@Nullable Instant expiresAt) {
        return JSON.createObjectNode().put("expires_at", time(expiresAt));
    }

    static JsonNode of(UnitChange.RotateKeys change) {
        return JSON.createObjectNode().set("ssh_public_keys", keys(change.sshPublicKeys()));
    }

    static JsonNode of(LimitChange limits) {
        ObjectNode body = JSON.createObjectNode();
        put(body, "memory_max", limits.memoryMax());
        put(body, "memory_high", limits.memoryHigh());
        put(body, "swap_max", limits.swapMax());
        body.put("tasks_max", limits.tasksMax());
        put(body, "disk_max", limits.diskMax());
        put(body, "data_max", limits.dataMax());
        body.put("inodes_max", limits.inodesMax());
        List<IoLimit> io = limits.io();
        body.set("io", io == null ? null : io(io));
        return body;
    }
}
