package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.ApiRequest;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/**
 * Prints the allocated units as an inventory for Ansible.
 *
 * @see <a href="https://docs.ansible.com/ansible/latest/dev_guide/developing_inventory.html">Developing dynamic inventory</a>
 */
@Command(
        name = "inventory",
        description = {
            "Prints the allocated units as a dynamic inventory for Ansible: always JSON.",
            "Groups are kloigos, server_NAME, region_NAME, zone_REGION_NAME, and tag_NAME_VALUE for each tag, such as"
                    + " tag_deployment_id_web; what Ansible does not allow in the name of a group is an underscore there."
        })
final class InventoryCommand extends RemoteCommand {
    private static final JsonMapper JSON = new JsonMapper();

    @ArgGroup(multiplicity = "1")
    private What what = new What();

    /** What Ansible asks an inventory script for. */
    static final class What {
        @Option(names = "--list", description = "All units, their groups and variables.")
        private boolean list;

        @Option(names = "--host", paramLabel = "UNIT", description = "The variables of one unit.")
        private @Nullable String host;
    }

    @Override
    ExitStatus run(Session session) {
        ObjectNode answer = what.list
                ? inventory(
                        session.send(ApiRequest.of("GET", "/api/compute_units").with("status", "allocated")))
                : variables(session.get("/api/compute_units/{}", Objects.requireNonNull(what.host)));
        session.out().println(OutputFormat.JSON.print(answer));
        return ExitStatus.OK;
    }

    static ObjectNode inventory(JsonNode units) {
        ObjectNode inventory = JSON.createObjectNode();
        ObjectNode variables = inventory.putObject("_meta").putObject("hostvars");
        Map<String, Set<String>> groups = new TreeMap<>();
        groups.put("kloigos", new TreeSet<>());
        for (JsonNode unit : units) {
            String name = unit.path("compute_id").asText();
            variables.set(name, variables(unit));
            for (String group : groups(unit)) {
                groups.computeIfAbsent(group, none -> new TreeSet<>()).add(name);
            }
        }
        groups.forEach((group, members) -> inventory.putObject(group).set("hosts", JSON.valueToTree(members)));
        return inventory;
    }

    private static Set<String> groups(JsonNode unit) {
        Set<String> groups = new TreeSet<>();
        groups.add("kloigos");
        groups.add(group("server", unit.path("hostname").asText()));
        groups.add(group("region", unit.path("region").asText()));
        groups.add(group(
                "zone", unit.path("region").asText() + "_" + unit.path("zone").asText()));
        unit.path("tags").properties().forEach(tag -> {
            if (tag.getValue().isArray()) {
                tag.getValue().forEach(value -> groups.add(group("tag_" + tag.getKey(), value.asText())));
            } else {
                groups.add(group("tag_" + tag.getKey(), tag.getValue().asText()));
            }
        });
        return groups;
    }

    private static String group(String prefix, String name) {
        return (prefix + "_" + name).replaceAll("[^A-Za-z0-9_]", "_");
    }

    private static ObjectNode variables(JsonNode unit) {
        ObjectNode variables = JSON.createObjectNode()
                .put("ansible_host", unit.path("ip").asText())
                .put("ansible_port", unit.path("ssh_port").asInt())
                .put("ansible_user", unit.path("user").asText())
                .put("kloigos_cpu_count", unit.path("cpu_count").asInt())
                .put("kloigos_ports", unit.path("ports_range").asText())
                .put("kloigos_server", unit.path("hostname").asText())
                .put("kloigos_region", unit.path("region").asText())
                .put("kloigos_zone", unit.path("zone").asText());
        variables.set("kloigos_directories", unit.path("directories"));
        variables.set("kloigos_tags", unsafe(unit.path("tags")));
        return variables;
    }

    /** Returns what a tenant wrote so that Ansible takes it for text, and not for a template that it runs. */
    private static JsonNode unsafe(JsonNode value) {
        if (value.isTextual()) {
            return JSON.createObjectNode().put("__ansible_unsafe", value.asText());
        }
        if (!value.isContainerNode()) {
            return value;
        }
        if (value.isArray()) {
            ArrayNode all = JSON.createArrayNode();
            value.forEach(each -> all.add(unsafe(each)));
            return all;
        }
        ObjectNode all = JSON.createObjectNode();
        value.properties().forEach(each -> all.set(each.getKey(), unsafe(each.getValue())));
        return all;
    }
}
