package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.http.ApiClient.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

/** Faulty requests are refused with every fault named, and change nothing in the store or on a host. */
class BadInputTest {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonReadFeature.ALLOW_SINGLE_QUOTES).build();
    private static final String ALLOCATE_PATH = "/api/compute_units/allocate";
    private static final String INIT_PATH = "/api/admin/init_server";
    private static final String HOST2 =
            "{'ip': '10.0.0.2', 'hostname': 'host2', 'region': 'eu', 'zone': 'b', 'cpu_ranges': ['0-1', '2-3']}";
    private static final String BLOB = "AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f";

    private static TestServer test;
    private static String before;

    /**
     * A faulty request.
     *
     * @param expected for 422, location and type of each fault, such as {@code body.cpu_ranges.0 cpu_set}; else the code
     */
    record Case(String name, String method, String path, String body, int status, List<String> expected) {
        @Override
        public String toString() {
            return name;
        }
    }

    @BeforeAll
    static void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
        test.api.post(ALLOCATE_PATH, TestServer.ALLOCATE).expect(200);
        before = test.state();
    }

    @AfterAll
    static void stop() {
        test.close();
    }

    private static ObjectNode object(String json) {
        try {
            return (ObjectNode) JSON.readTree(json);
        } catch (JsonProcessingException e) {
            throw new IllegalArgumentException(json, e);
        }
    }

    /** An allocation that would succeed but for {@code faulty}. */
    private static Case allocate(String name, String faulty, String... faults) {
        ObjectNode body = object(TestServer.ALLOCATE).setAll(object(faulty));
        return new Case("allocate: " + name, "POST", ALLOCATE_PATH, body.toString(), 422, List.of(faults));
    }

    /** An init of host2 that would succeed but for {@code faulty}. */
    private static Case init(String name, String faulty, String... faults) {
        ObjectNode body = object(HOST2).setAll(object(faulty));
        return new Case("init: " + name, "POST", INIT_PATH, body.toString(), 422, List.of(faults));
    }

    private static Case limits(String name, String limits, String... faults) {
        return init("limits: " + name, "{'limits': " + limits + "}", faults);
    }

    private static Case raw(String name, String path, String body, String... faults) {
        return new Case(name, "POST", path, body, 422, List.of(faults));
    }

    private static Case get(String path, String... faults) {
        return new Case("GET " + path, "GET", path, "", 422, List.of(faults));
    }

    private static Case delete(String path, String... faults) {
        return new Case("DELETE " + path, "DELETE", path, "", 422, List.of(faults));
    }

    private static Case problem(String method, String path, String body, int status, String code) {
        String shown = path.length() <= 80 ? path : path.substring(0, 80) + "...";
        return new Case(method + " " + shown + " " + status + " " + code, method, path, body, status, List.of(code));
    }

    static Stream<Case> bodies() {
        return Stream.of(
                raw("no body", ALLOCATE_PATH, "", "body missing"),
                raw("blank body", ALLOCATE_PATH, "  ", "body missing"),
                raw("no JSON", ALLOCATE_PATH, "tags", "body.0 json_invalid"),
                raw("cut short", ALLOCATE_PATH, "{\"tags\": {", "body.10 json_invalid"),
                raw("something follows", ALLOCATE_PATH, "{} {}", "body.3 json_invalid"),
                raw("a key twice", ALLOCATE_PATH, "{\"tags\": null, \"tags\": null}", "body.21 json_invalid"),
                raw("a list", ALLOCATE_PATH, "[]", "body dict_type"),
                raw("null", INIT_PATH, "null", "body dict_type"),
                raw("a text", INIT_PATH, "\"host1\"", "body dict_type"),
                raw("nested too deeply", INIT_PATH, "[".repeat(20_000), "body.0 json_invalid"),
                raw("NaN", ALLOCATE_PATH, "{\"tags\": {\"a\": NaN}}", "body.18 json_invalid"),
                raw(
                        "a number out of range",
                        ALLOCATE_PATH,
                        TestServer.ALLOCATE.replace("\"web\"", "-1e999"),
                        "body.tags.deployment_id tag_value"),
                raw(
                        "half a character",
                        ALLOCATE_PATH,
                        TestServer.ALLOCATE.replace("\"web\"", "\"\\ud800\""),
                        "body.tags.deployment_id tag_value"),
                raw("half a character in a name", ALLOCATE_PATH, "{\"\\ud800\": 1}", "body.8 json_invalid"),
                raw("allocate: nothing", ALLOCATE_PATH, "{}", "body.tags missing", "body.ssh_public_key missing"),
                raw(
                        "init: nothing",
                        INIT_PATH,
                        "{}",
                        "body.hostname missing",
                        "body.ip missing",
                        "body.region missing",
                        "body.zone missing",
                        "body.cpu_ranges missing"));
    }

    static Stream<Case> allocations() {
        return Stream.of(
                allocate("cpu_count a text", "{'cpu_count': '4'}", "body.cpu_count int_type"),
                allocate("cpu_count a fraction", "{'cpu_count': 4.5}", "body.cpu_count int_type"),
                allocate("cpu_count a boolean", "{'cpu_count': true}", "body.cpu_count int_type"),
                allocate("cpu_count too large", "{'cpu_count': 99999999999}", "body.cpu_count int_type"),
                allocate("cpu_count 0", "{'cpu_count': 0}", "body.cpu_count cpu_count"),
                allocate("cpu_count negative", "{'cpu_count': -4}", "body.cpu_count cpu_count"),
                allocate("region a number", "{'region': 1}", "body.region string_type"),
                allocate("zone a list", "{'zone': ['a']}", "body.zone string_type"),
                allocate("tags a text", "{'tags': 'web'}", "body.tags dict_type"),
                allocate("tags a list", "{'tags': ['web']}", "body.tags dict_type"),
                allocate(
                        "tag values",
                        "{'tags': {'a': true, 'b': null, 'c': {}, 'd': [1], 'e': ['x', null], 'f': 1}}",
                        "body.tags.a tag_value",
                        "body.tags.b tag_value",
                        "body.tags.c tag_value",
                        "body.tags.d tag_value",
                        "body.tags.e tag_value"),
                allocate("tag without a name", "{'tags': {'': 'x'}}", "body.tags. tag_name"),
                allocate("tag too long", "{'tags': {'a': '" + "x".repeat(1025) + "'}}", "body.tags.a tag_value"),
                allocate("placement unknown", "{'placement': 'Pack'}", "body.placement placement"),
                allocate("anti_affinity a text", "{'anti_affinity': 'server'}", "body.anti_affinity dict_type"),
                allocate(
                        "anti_affinity empty",
                        "{'anti_affinity': {}}",
                        "body.anti_affinity.tag missing",
                        "body.anti_affinity.over missing"),
                allocate(
                        "anti_affinity over racks by a number",
                        "{'anti_affinity': {'tag': 3, 'over': 'rack', 'and': 1}}",
                        "body.anti_affinity.tag string_type",
                        "body.anti_affinity.over anti_affinity_over",
                        "body.anti_affinity.and extra_forbidden"),
                allocate(
                        "anti_affinity by a tag that is not there, and no CPUs",
                        "{'cpu_count': 0, 'anti_affinity': {'tag': 'team', 'over': 'zone'}}",
                        "body.cpu_count cpu_count",
                        "body.anti_affinity.tag anti_affinity_tag"),
                allocate(
                        "anti_affinity by a tag that is a list",
                        "{'tags': {'team': ['a']}, 'anti_affinity': {'tag': 'team', 'over': 'server'}}",
                        "body.anti_affinity.tag anti_affinity_tag"),
                allocate(
                        "anti_affinity by tags that cannot be read",
                        "{'tags': 'web', 'anti_affinity': {'tag': 'team', 'over': 'server'}}",
                        "body.tags dict_type"),
                allocate("key null", "{'ssh_public_key': null}", "body.ssh_public_key string_type"),
                allocate("key empty", "{'ssh_public_key': ''}", "body.ssh_public_key ssh_public_key"),
                allocate(
                        "key on two lines",
                        "{'ssh_public_key': 'ssh-ed25519 " + BLOB + "\\nssh-ed25519 " + BLOB + "'}",
                        "body.ssh_public_key ssh_public_key"),
                allocate(
                        "key with options",
                        "{'ssh_public_key': 'command=\\\"sh\\\" ssh-ed25519 " + BLOB + "'}",
                        "body.ssh_public_key ssh_public_key"),
                allocate(
                        "key cut short",
                        "{'ssh_public_key': 'ssh-ed25519 " + BLOB.substring(0, 40) + "'}",
                        "body.ssh_public_key ssh_public_key"),
                allocate(
                        "key of another type than it says",
                        "{'ssh_public_key': 'ssh-rsa " + BLOB + "'}",
                        "body.ssh_public_key ssh_public_key"),
                allocate(
                        "unknown field",
                        "{'cpus': 4, 'Tags': {}}",
                        "body.cpus extra_forbidden",
                        "body.Tags extra_forbidden"),
                allocate(
                        "several faults",
                        "{'cpu_count': 0, 'zone': 1, 'tags': {'a': true}, 'ssh_public_key': 'x', 'force': 1}",
                        "body.zone string_type",
                        "body.tags.a tag_value",
                        "body.ssh_public_key ssh_public_key",
                        "body.cpu_count cpu_count",
                        "body.force extra_forbidden"));
    }

    static Stream<Case> inits() {
        return Stream.of(
                init("ip a number", "{'ip': 10}", "body.ip string_type"),
                init("ip a name", "{'ip': 'host2'}", "body.ip ip"),
                init("ip with a part too large", "{'ip': '10.0.0.256'}", "body.ip ip"),
                init("ip with a command", "{'ip': '10.0.0.2; reboot'}", "body.ip ip"),
                init("hostname empty", "{'hostname': ''}", "body.hostname hostname"),
                init("hostname in capitals", "{'hostname': 'Host2'}", "body.hostname hostname"),
                init("hostname with a command", "{'hostname': 'h$(reboot)'}", "body.hostname hostname"),
                init("hostname with a line break", "{'hostname': 'host2\\n'}", "body.hostname hostname"),
                init("hostname as a path", "{'hostname': '../../etc'}", "body.hostname hostname"),
                init("hostname too long", "{'hostname': '" + "a".repeat(254) + "'}", "body.hostname hostname"),
                init("region with a quote", "{'region': \"eu'\"}", "body.region region"),
                init(
                        "zone empty, region null",
                        "{'zone': '', 'region': null}",
                        "body.region string_type",
                        "body.zone zone"),
                init("ssh_port 0", "{'ssh_port': 0}", "body.ssh_port ssh_port"),
                init("ssh_port a text", "{'ssh_port': '22'}", "body.ssh_port int_type"),
                init("ssh_user with a command", "{'ssh_user': 'root; id'}", "body.ssh_user ssh_user"),
                init("ssh_user an option", "{'ssh_user': '-oProxyCommand=x'}", "body.ssh_user ssh_user"),
                init("host_key cut short", "{'host_key': 'SHA256:abc'}", "body.host_key host_key"),
                init("cpu_ranges a text", "{'cpu_ranges': '0-3'}", "body.cpu_ranges list_type"),
                init("cpu_ranges empty", "{'cpu_ranges': []}", "body.cpu_ranges cpu_ranges"),
                init(
                        "cpu_ranges malformed",
                        "{'cpu_ranges': ['a', '3-1', '0-99999', 'N', '1-', '', 7]}",
                        "body.cpu_ranges.0 cpu_set",
                        "body.cpu_ranges.1 cpu_set",
                        "body.cpu_ranges.2 cpu_set",
                        "body.cpu_ranges.3 cpu_set",
                        "body.cpu_ranges.4 cpu_set",
                        "body.cpu_ranges.6 string_type",
                        "body.cpu_ranges.5 cpu_set"),
                init("cpu_ranges with a command", "{'cpu_ranges': ['0-1$(reboot)']}", "body.cpu_ranges.0 cpu_set"),
                init("cpu_ranges overlapping", "{'cpu_ranges': ['0-1', '1-2']}", "body.cpu_ranges.1 cpu_range_overlap"),
                init(
                        "cpu_ranges overlapping beside a malformed one",
                        "{'cpu_ranges': ['0-1', 'x', '1-2']}",
                        "body.cpu_ranges.1 cpu_set",
                        "body.cpu_ranges.2 cpu_range_overlap"),
                init(
                        "cpu_ranges of the system",
                        "{'housekeeping_cpus': '0'}",
                        "body.cpu_ranges.0 cpu_range_housekeeping"),
                init("housekeeping_cpus empty", "{'housekeeping_cpus': ''}", "body.housekeeping_cpus cpu_set"),
                init("housekeeping_cpus true", "{'housekeeping_cpus': true}", "body.housekeeping_cpus string_type"),
                init("housekeeping_cpus none", "{'housekeeping_cpus': 0}", "body.housekeeping_cpus housekeeping_cpus"),
                init(
                        "housekeeping_cpus a number beside ranges",
                        "{'housekeeping_cpus': 2}",
                        "body.housekeeping_cpus housekeeping_cpus"),
                init(
                        "all divisions at once",
                        "{'units': 2, 'cpus_per_unit': 0}",
                        "body.units exclusive",
                        "body.cpus_per_unit exclusive",
                        "body.cpus_per_unit cpus_per_unit"),
                init("units too many", "{'cpu_ranges': null, 'units': 301}", "body.units units"),
                init("units a text", "{'cpu_ranges': null, 'units': '4'}", "body.units int_type"),
                init("no division", "{'cpu_ranges': null}", "body.cpu_ranges missing"),
                init("units that do not fit", "{'cpu_ranges': null, 'units': 99}", "body.units units_do_not_fit"),
                init(
                        "a unit that does not fit",
                        "{'cpu_ranges': null, 'cpus_per_unit': 99}",
                        "body.cpus_per_unit unit_does_not_fit"),
                init(
                        "disks for units that are not so many",
                        "{'cpu_ranges': null, 'units': 3, 'data_disks': ['/dev/sdb', '/dev/sdc']}",
                        "body.data_disks data_disks"),
                init("data_disks a text", "{'data_disks': '/dev/sdb'}", "body.data_disks list_type"),
                init(
                        "data_disks no devices",
                        "{'data_disks': ['sdb', '/dev/../etc/passwd']}",
                        "body.data_disks.0 device",
                        "body.data_disks.1 device"),
                init("data_disks with a command", "{'data_disks': ['/dev/sdb;reboot']}", "body.data_disks.0 device"),
                init(
                        "data_disks twice",
                        "{'data_disks': ['/dev/sdb', '/dev/sdb']}",
                        "body.data_disks.1 data_disk_twice"),
                init(
                        "data_disks too many",
                        "{'data_disks': ['/dev/sdb', '/dev/sdc', '/dev/sdd']}",
                        "body.data_disks data_disks"),
                init(
                        "data_disks faulty objects",
                        "{'data_disks': [{'filesystem': 'btrfs'}, {'device': '/dev/sdb', 'filesytem': 'xfs'}]}",
                        "body.data_disks.0.device missing",
                        "body.data_disks.0.filesystem filesystem",
                        "body.data_disks.1.filesytem extra_forbidden"),
                init("volume_group a number", "{'volume_group': 7}", "body.volume_group string_type"),
                init("volume_group with a path", "{'volume_group': '../vg0'}", "body.volume_group volume_group"),
                init("volume_group with a command", "{'volume_group': 'vg0;reboot'}", "body.volume_group volume_group"),
                init(
                        "volume_group a faulty object",
                        "{'volume_group': {'filesystem': 'btrfs', 'volume_size': 'much', 'size': 1}}",
                        "body.volume_group.name missing",
                        "body.volume_group.filesystem filesystem",
                        "body.volume_group.volume_size byte_size",
                        "body.volume_group.size extra_forbidden"),
                init(
                        "volume_group beside data_disks",
                        "{'volume_group': 'vg0', 'data_disks': ['/dev/sdb']}",
                        "body.volume_group exclusive"),
                init(
                        "volume_group that the host lacks",
                        "{'volume_group': 'vg9'}",
                        "body.volume_group volume_group_unknown"),
                init(
                        "several faults",
                        "{'hostname': 'A', 'ip': 7, 'region': '', 'cpu_ranges': ['0', '0', 'x'], 'limits': {'tasks_max': 1},"
                                + " 'ssh_prot': 22}",
                        "body.ip string_type",
                        "body.hostname hostname",
                        "body.region region",
                        "body.cpu_ranges.2 cpu_set",
                        "body.cpu_ranges.1 cpu_range_overlap",
                        "body.cpu_ranges.1 cpu_range_name",
                        "body.limits.tasks_max tasks_max",
                        "body.ssh_prot extra_forbidden"),
                limits("a list", "[]", "body.limits dict_type"),
                limits(
                        "sizes",
                        "{'memory_max': '1X', 'memory_high': -1, 'swap_max': 1.5, 'disk_max': true, 'data_max': '9999999P'}",
                        "body.limits.memory_max byte_size",
                        "body.limits.memory_high byte_size",
                        "body.limits.swap_max size_type",
                        "body.limits.disk_max size_type",
                        "body.limits.data_max byte_size"),
                limits(
                        "too small",
                        "{'memory_max': '1M', 'disk_max': 1, 'inodes_max': 1, 'tasks_max': 1}",
                        "body.limits.memory_max memory_max",
                        "body.limits.disk_max disk_max",
                        "body.limits.inodes_max inodes_max",
                        "body.limits.tasks_max tasks_max"),
                limits(
                        "memory_high above memory_max",
                        "{'memory_max': '1G', 'memory_high': '2G'}",
                        "body.limits.memory_high memory_high"),
                limits(
                        "port_enforcement",
                        "{'port_enforcement': 'none'}",
                        "body.limits.port_enforcement port_enforcement"),
                limits(
                        "io",
                        "{'io': [{}, {'device': 'sda', 'read_iops': 1}, {'device': '/dev/sda'},"
                                + " {'device': '/dev/sda', 'write_bytes': 'x', 'iops': 3}]}",
                        "body.limits.io.0.device missing",
                        "body.limits.io.0 io_limit",
                        "body.limits.io.1 device",
                        "body.limits.io.2 io_limit",
                        "body.limits.io.3.write_bytes byte_size",
                        "body.limits.io.3.iops extra_forbidden"),
                limits("unknown", "{'memory_maximum': '1G'}", "body.limits.memory_maximum extra_forbidden"),
                init("CPUs that the host lacks", "{'cpu_ranges': ['2-5']}", "body.cpu_ranges.0 cpu_not_online"),
                init(
                        "disk that the host lacks, limit without a disk",
                        "{'data_disks': ['/dev/sdz'], 'limits': {'memory_reserve': '1T'}}",
                        "body.limits.memory_reserve memory_reserve",
                        "body.data_disks.0 device_unknown"));
    }

    static Stream<Case> addresses() {
        return Stream.of(
                get("/api/compute_units?stauts=free", "query.stauts extra_forbidden"),
                get(
                        "/api/compute_units/?status=gone&cpu_count=four&x=1",
                        "query.cpu_count int_parsing",
                        "query.status status",
                        "query.x extra_forbidden"),
                get("/api/compute_units?cpu_count=", "query.cpu_count int_parsing"),
                get("/api/compute_units?region=a%00b", "query.region string_nul"),
                get("/api/compute_units?zone=a&zone=b", "query.zone repeated"),
                get("/api/compute_units?status=free'%20OR%20'1'='1", "query.status status"),
                get("/api/compute_units/allocate", "path.compute_id compute_id"),
                get("/api/compute_units/host1_4-7?x=1", "query.x extra_forbidden"),
                get("/api/compute_units/host1%2F4-7", "path.compute_id compute_id"),
                get("/api/servers?state=ready", "query.state extra_forbidden"),
                get("/api/operations?limit=0", "query.limit limit"),
                get("/api/operations?limit=1001", "query.limit limit"),
                get("/api/operations?limit=ten", "query.limit int_parsing"),
                delete(
                        "/api/compute_units/deallocate/host1?dry_run=yes",
                        "query.dry_run bool_parsing",
                        "path.compute_id compute_id"),
                delete("/api/compute_units/deallocate/host1_4-7?force=true", "query.force extra_forbidden"),
                delete(
                        "/api/admin/decommission_server/host1?force=1&wipe_data_disk=true",
                        "query.force bool_parsing",
                        "query.wipe_data_disk extra_forbidden"),
                raw(
                        "query and body",
                        ALLOCATE_PATH + "?dryrun=true",
                        "{}",
                        "query.dryrun extra_forbidden",
                        "body.tags missing",
                        "body.ssh_public_key missing"));
    }

    static Stream<Case> problems() {
        String host3 = HOST2.replace("10.0.0.2", "10.0.0.3").replace('\'', '"');
        return Stream.of(
                problem("GET", "/api/compute_units/host9_0-3", "", 404, "not_found"),
                problem("GET", "/api/servers/host9", "", 404, "not_found"),
                problem("GET", "/api/servers/..%2F..%2Fetc%2Fpasswd", "", 404, "not_found"),
                problem("GET", "/api/servers/" + "a".repeat(5000), "", 404, "not_found"),
                problem("GET", "/api/operations/1%27%20OR%201=1", "", 404, "not_found"),
                problem("DELETE", "/api/compute_units/deallocate/host9_0-3", "", 404, "not_found"),
                problem("DELETE", "/api/compute_units/deallocate/host1_8-11", "", 409, "wrong_state"),
                problem("DELETE", "/api/admin/decommission_server/host9", "", 404, "not_found"),
                problem("DELETE", "/api/admin/decommission_server/host1", "", 409, "wrong_state"),
                problem("POST", INIT_PATH, TestServer.INIT, 409, "already_managed"),
                problem("POST", INIT_PATH, host3, 503, "host_unreachable"),
                problem(
                        "POST",
                        ALLOCATE_PATH,
                        TestServer.ALLOCATE.replace("{\"tags\"", "{\"zone\": \"b'; DROP TABLE units; --\", \"tags\""),
                        409,
                        "no_capacity"),
                problem("POST", ALLOCATE_PATH, "{\"tags\": \"" + "x".repeat(1 << 20) + "\"}", 413, "content_too_large"),
                problem("GET", "/api", "", 404, "not_found"),
                problem("GET", "/api/compute_unit", "", 404, "not_found"),
                problem("GET", "/api/servers/host1/units", "", 404, "not_found"),
                problem("PUT", "/api/compute_units", "{}", 405, "method_not_allowed"),
                problem("GET", "/api/compute_units/deallocate/host1_4-7", "", 405, "method_not_allowed"),
                problem("DELETE", "/api/servers/host1", "", 405, "method_not_allowed"),
                problem("POST", "/healthz", "{}", 405, "method_not_allowed"),
                problem("OPTIONS", INIT_PATH, "", 405, "method_not_allowed"));
    }

    static Stream<Case> all() {
        return Stream.of(bodies(), allocations(), inits(), addresses(), problems())
                .flatMap(cases -> cases);
    }

    @ParameterizedTest
    @MethodSource("all")
    void isRefusedWithEveryFaultAndChangesNothing(Case request) {
        Answer answer = test.api.send(
                request.method(),
                request.path(),
                request.body().isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(request.body()),
                "Content-Type",
                "application/json");
        assertThat(answer.status()).as(answer.text()).isEqualTo(request.status());
        if (request.status() == 422) {
            assertThat(answer.header("Content-Type")).isEqualTo("application/json");
            assertThat(faults(answer.body())).as(answer.text()).containsExactlyInAnyOrderElementsOf(request.expected());
        } else {
            assertIsProblem(answer, request.expected().get(0));
        }
        assertThat(test.state()).isEqualTo(before);
    }

    private static List<String> faults(JsonNode body) {
        List<String> faults = new ArrayList<>();
        for (JsonNode fault : body.get("detail")) {
            List<String> loc = new ArrayList<>();
            fault.get("loc").forEach(element -> loc.add(element.asText()));
            assertThat(fault.get("msg").asText()).isNotBlank();
            faults.add(String.join(".", loc) + " " + fault.get("type").asText());
        }
        return faults;
    }

    private static void assertIsProblem(Answer answer, String code) {
        assertThat(answer.header("Content-Type")).isEqualTo("application/problem+json");
        JsonNode problem = answer.body();
        assertThat(problem.get("code").asText()).isEqualTo(code);
        assertThat(problem.get("status").asInt()).isEqualTo(answer.status());
        assertThat(problem.get("detail").asText()).isNotBlank().doesNotContain("Exception", "\tat ");
        assertThat(answer.header("Allow").isEmpty()).isEqualTo(answer.status() != 405);
    }

    @Test
    void thereAreEnoughCases() {
        assertThat(all()).hasSizeGreaterThanOrEqualTo(60);
    }

    @ParameterizedTest
    @MethodSource("contentTypes")
    void onlyJsonIsRead(String contentType) {
        Answer answer = contentType.isEmpty()
                ? test.api.send("POST", ALLOCATE_PATH, BodyPublishers.ofString(TestServer.ALLOCATE))
                : test.api.send(
                        "POST",
                        ALLOCATE_PATH,
                        BodyPublishers.ofString(TestServer.ALLOCATE),
                        "Content-Type",
                        contentType);
        assertThat(answer.status()).isEqualTo(415);
        assertIsProblem(answer, "unsupported_media_type");
        assertThat(test.state()).isEqualTo(before);
    }

    static List<String> contentTypes() {
        return List.of(
                "",
                "text/plain",
                "application/x-www-form-urlencoded",
                "application/jsonp",
                "application/json; charset=utf-16");
    }

    @Test
    void aMistypedFieldIsToldItsNearestMatch() {
        JsonNode fault = test.api
                .post(INIT_PATH, "{\"cpu_range\": []}")
                .expect(422)
                .body()
                .get("detail")
                .get(5);
        assertThat(fault.get("msg").asText()).contains("did you mean \"cpu_ranges\"?");
    }
}
