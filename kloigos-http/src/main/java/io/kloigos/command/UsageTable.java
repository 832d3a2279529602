package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** What a unit uses, beside what it may use. */
final class UsageTable {
    private static final Table TABLE = new Table(
            List.of(Table.column("WHAT", "what"), Table.column("USED", "used"), Table.column("LIMIT", "limit")));

    private final ArrayNode rows = new JsonMapper().createArrayNode();

    private UsageTable() {}

    /**
     * Returns the lines; what the host does not tell is left out.
     *
     * @param usage as the API tells it
     * @param unit as the API tells it
     */
    static List<String> lines(JsonNode usage, JsonNode unit) {
        JsonNode limits = unit.path("limits");
        UsageTable table = new UsageTable();
        if (usage.hasNonNull("cpu_micros")) {
            table.add(
                    "CPU time",
                    Rounded.millis(usage.get("cpu_micros").asLong() / 1000),
                    unit.path("cpu_count").asText() + " CPUs");
        }
        table.addSize("memory", usage.path("memory"), limits.path("memory_max"));
        table.addSize("swap", usage.path("swap"), limits.path("swap_max"));
        if (usage.hasNonNull("tasks")) {
            table.add(
                    "tasks",
                    usage.get("tasks").asText(),
                    limits.path("tasks_max").asText());
        }
        if (usage.hasNonNull("oom_kills")) {
            table.add("killed for want of memory", usage.get("oom_kills").asText(), "");
        }
        for (String what : List.of("cpu", "memory", "io")) {
            table.addPressure(what, usage.path(what + "_pressure"));
        }
        usage.path("disks").forEach(disk -> table.addDisk(disk, of("mount_point", disk, limits.path("disks"))));
        usage.path("io").forEach(device -> table.addDevice(device, of("device", device, limits.path("io"))));
        List<String> sockets = new ArrayList<>();
        usage.path("sockets")
                .forEach(socket -> sockets.add(socket.path("protocol").asText() + "/"
                        + socket.path("port").asText()));
        table.add("ports", String.join(",", sockets), unit.path("ports_range").asText());
        return TABLE.lines(table.rows, OutputFormat.TABLE);
    }

    private static JsonNode of(String field, JsonNode used, JsonNode limits) {
        for (JsonNode limit : limits) {
            if (limit.path(field).equals(used.path(field))) {
                return limit;
            }
        }
        return MissingNode.getInstance();
    }

    private void add(String what, String used, String limit) {
        rows.addObject().put("what", what).put("used", used).put("limit", limit);
    }

    private static String size(JsonNode bytes) {
        return bytes.isNumber() ? Rounded.size(bytes.asLong()) : "";
    }

    private void addSize(String what, JsonNode used, JsonNode limit) {
        if (used.isNumber()) {
            add(what, size(used), size(limit));
        }
    }

    private void addPressure(String what, JsonNode pressure) {
        if (pressure.isObject()) {
            add(
                    "waited for " + what + ", last 10 s, 1 min, 5 min",
                    String.format(
                            Locale.ROOT,
                            "%.1f %%, %.1f %%, %.1f %%",
                            pressure.path("avg10").asDouble(),
                            pressure.path("avg60").asDouble(),
                            pressure.path("avg300").asDouble()),
                    "");
        }
    }

    private void addDisk(JsonNode disk, JsonNode limit) {
        String where = disk.path("mount_point").asText();
        add("disk " + where, size(disk.path("size")), size(limit.path("size")));
        add("files " + where, disk.path("inodes").asText(), limit.path("inodes").asText());
    }

    private void addDevice(JsonNode io, JsonNode limit) {
        String device = io.path("device").asText();
        add("read from " + device, size(io.path("read_bytes")), perSecond(limit.path("read_bytes")));
        add("written to " + device, size(io.path("write_bytes")), perSecond(limit.path("write_bytes")));
    }

    private static String perSecond(JsonNode bytes) {
        return bytes.isNumber() ? size(bytes) + "/s" : "";
    }
}
