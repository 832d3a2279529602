package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.HostFailure;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** What the API answers to requests without faults. */
class ApiTest {
    private TestServer test;
    private ApiClient api;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
        api = test.api;
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private static List<String> texts(JsonNode list, String field) {
        return StreamSupport.stream(list.spliterator(), false)
                .map(each -> each.get(field).asText())
                .toList();
    }

    private List<String> units(String query) {
        return texts(api.get("/api/compute_units/" + query).expect(200).body(), "compute_id");
    }

    @Test
    void allocateAnswersWithTheUnitInTheTenantsHands() {
        JsonNode unit = api.post("/api/compute_units/allocate", TestServer.ALLOCATE)
                .expect(200)
                .body();
        assertThat(unit.get("compute_id").asText()).isEqualTo("host1_4-7");
        assertThat(unit.get("hostname").asText()).isEqualTo("host1");
        assertThat(unit.get("ip").asText()).isEqualTo("10.0.0.1");
        assertThat(unit.get("cpu_range").asText()).isEqualTo("4-7");
        assertThat(unit.get("cpu_list").asText()).isEqualTo("4,5,6,7");
        assertThat(unit.get("cpu_count").asInt()).isEqualTo(4);
        assertThat(unit.get("ports_range").asText()).isEqualTo("2000-2200");
        assertThat(unit.get("status").asText()).isEqualTo("allocated");
        assertThat(unit.get("started_at").asText()).matches("\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\d(\\.\\d+)?Z");
        assertThat(unit.get("tags").get("deployment_id").asText()).isEqualTo("web");
        assertThat(unit.get("user").asText()).isEqualTo("u4-7");
        assertThat(unit.get("ssh_port").asInt()).isEqualTo(22);
        assertThat(unit.get("host_key").asText()).isEqualTo(test.host.hostKey());
        assertThat(unit.get("reason").isNull()).isTrue();
        assertThat(unit.get("limits").get("memory_nodes").asText()).isEqualTo("0");
        assertThat(unit.get("limits").get("memory_max").isIntegralNumber()).isTrue();
        assertThat(unit.get("directories").get("opt").asText()).isEqualTo("/opt/c4-7");
        assertThat(api.get("/api/compute_units/host1_4-7").expect(200).body()).isEqualTo(unit);
    }

    @Test
    void allocateTakesAnyNumberOfCpusOnlyForNull() {
        assertThat(api.post(
                                "/api/compute_units/allocate",
                                TestServer.ALLOCATE.replace("{\"tags\"", "{\"cpu_count\": 5, \"tags\""))
                        .expect(409)
                        .body()
                        .get("code")
                        .asText())
                .isEqualTo("no_capacity");
        api.post(
                        "/api/compute_units/allocate",
                        TestServer.ALLOCATE.replace("{\"tags\"", "{\"cpu_count\": null, \"tags\""))
                .expect(200);
    }

    @Test
    void tagsOfEveryKindComeBackAsGiven() {
        String tags = "{\"text\":\"ä\",\"number\":7,\"fraction\":1.5,\"list\":[\"a\",\"b\"]}";
        JsonNode unit = api.post(
                        "/api/compute_units/allocate",
                        "{\"tags\": " + tags + ", \"ssh_public_key\": \"" + TestServer.KEY + "\"}")
                .expect(200)
                .body();
        assertThat(unit.get("tags").toString()).isEqualTo(tags);
    }

    @Test
    void nullTagsAreNoTags() {
        JsonNode unit = api.post(
                        "/api/compute_units/allocate",
                        "{\"tags\": null, \"ssh_public_key\": \"" + TestServer.KEY + "\"}")
                .expect(200)
                .body();
        assertThat(unit.get("tags").toString()).isEqualTo("{}");
    }

    private Answer allocate(String key, String body) {
        return api.send(
                "POST",
                "/api/compute_units/allocate",
                BodyPublishers.ofString(body),
                "Content-Type",
                "application/json",
                "Idempotency-Key",
                key);
    }

    @Test
    void anAllocationWithAKeyIsMadeOnce() {
        Answer first = allocate("key1", TestServer.ALLOCATE).expect(200);
        Answer second = allocate("key1", TestServer.ALLOCATE).expect(200);

        assertThat(second.text()).isEqualTo(first.text());
        assertThat(units("?status=allocated")).hasSize(1);
        assertThat(allocate("key1", TestServer.ALLOCATE.replace("web", "other"))
                        .expect(409)
                        .body()
                        .get("code")
                        .asText())
                .isEqualTo("key_reused");
        allocate("key2", TestServer.ALLOCATE).expect(200);
        assertThat(units("?status=allocated")).hasSize(2);
    }

    @Test
    void everyWriteTakesAKey() {
        allocate("key1", TestServer.ALLOCATE).expect(200);
        String deallocate = "/api/compute_units/deallocate/host1_4-7";
        Answer first = api.send("DELETE", deallocate, BodyPublishers.noBody(), "Idempotency-Key", "key2")
                .expect(200);
        test.await(first);
        Answer second = api.send("DELETE", deallocate, BodyPublishers.noBody(), "Idempotency-Key", "key2")
                .expect(200);
        assertThat(second.operation()).isEqualTo(first.operation());
        assertThat(api.delete(deallocate).status()).isEqualTo(409);
        assertThat(allocate("key1", TestServer.ALLOCATE)
                        .expect(409)
                        .body()
                        .get("detail")
                        .asText())
                .contains("host1_4-7", "given back");

        String decommission = "/api/admin/decommission_server/host1";
        Answer third = api.send("DELETE", decommission, BodyPublishers.noBody(), "Idempotency-Key", "key3")
                .expect(200);
        test.await(third);
        assertThat(api.send("DELETE", decommission, BodyPublishers.noBody(), "Idempotency-Key", "key3")
                        .expect(200)
                        .operation())
                .isEqualTo(third.operation());
    }

    @Test
    void aFailedOperationIsRetriedAndWhatHasEndedIsNotCancelled() {
        test.host.inject(new HostFailure.FailStep(3, HostFailure.Effect.MISSING));
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(503);
        JsonNode failed = api.get("/api/compute_units/host1_4-7").expect(200).body();
        assertThat(failed.get("status").asText()).isEqualTo("allocation_fail");
        String operation = "/api/operations/"
                + api.get("/api/operations").expect(200).body().get(0).get("id").asText();

        JsonNode retried = api.post(operation + "/retry", "").expect(200).body();
        assertThat(retried.get("attempt").asInt()).isEqualTo(2);
        test.kloigos.await(retried.get("id").asText());
        assertThat(units("?status=allocated")).containsExactly("host1_4-7");
        assertThat(api.post(operation + "/cancel", "")
                        .expect(409)
                        .body()
                        .get("detail")
                        .asText())
                .contains("succeeded");
        api.post(operation + "/retry", "").expect(409);
    }

    @Test
    void deallocateAnswersAtOnceAndNamesItsOperation() {
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        Answer answer = api.delete("/api/compute_units/deallocate/host1_4-7").expect(200);
        assertThat(answer.text()).isEqualTo("{}");
        assertThat(answer.header("Location")).isEqualTo("/api/operations/" + answer.operation());
        JsonNode operation = test.await(answer);
        assertThat(operation.get("kind").asText()).isEqualTo("deallocate");
        assertThat(operation.get("compute_id").asText()).isEqualTo("host1_4-7");
        assertThat(operation.get("steps")).isNotEmpty();
        JsonNode unit = api.get("/api/compute_units/host1_4-7").expect(200).body();
        assertThat(unit.get("status").asText()).isEqualTo("free");
        assertThat(unit.get("started_at").isNull()).isTrue();
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "''|host1_4-7,host1_8-11,host1_12-15",
                "?compute_id=host1_8-11|host1_8-11",
                "?hostname=HOST1&cpu_count=4&region=eu&zone=a&status=FREE|host1_8-11,host1_12-15",
                "?status=allocated|host1_4-7",
                "?deployment_id=web|host1_4-7",
                "?deployment_id=web&status=Free|''",
                "?zone=b|''",
                "?cpu_count=5|''",
                "?hostname=%E2%82%AC|''",
            })
    void filtersCombine(String query, String expected) {
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        assertThat(String.join(",", units(query))).isEqualTo(expected);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "/api/compute_units",
                "/api/compute_units/",
                "/api//compute_units",
                "//api/compute_units//",
                "/api/compute_units/host1_4%2D7",
                "/api/servers/host1/",
                "/healthz",
                "/api/healthz/",
                "/",
                "/console/main.js",
            })
    void severalSpellingsOfAPathAreTheSame(String path) {
        api.get(path).expect(200);
    }

    @Test
    void unitsOfOneDeploymentAreKeptOnDifferentServers() {
        test.await(api.post("/api/admin/init_server", """
                        {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": ["0-3"]}""").expect(200));
        String apart = TestServer.ALLOCATE.replace(
                "{\"tags\"", "{\"anti_affinity\": {\"tag\": \"deployment_id\", \"over\": \"server\"}, \"tags\"");
        String path = "/api/compute_units/allocate";
        assertThat(api.post(path, apart).expect(200).body().get("hostname").asText())
                .isEqualTo("host1");
        assertThat(api.post(path + "?dry_run=true", apart)
                        .expect(200)
                        .body()
                        .at("/units/0/compute_id")
                        .asText())
                .isEqualTo("host2_0-3");
        api.post(path, apart).expect(200);

        Answer refusal = api.post(path, apart).expect(409);

        assertThat(refusal.body().get("code").asText()).isEqualTo("no_capacity");
        assertThat(refusal.body().get("detail").asText())
                .contains("the 2 free ones are all on servers that hold deployment_id \"web\" already: host1.");
    }

    @Test
    void spreadTakesTheServerWithTheFewestTenants() {
        test.await(api.post("/api/admin/init_server", """
                        {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": ["0-3"]}""").expect(200));
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);

        assertThat(api.post(
                                "/api/compute_units/allocate",
                                TestServer.ALLOCATE.replace("{\"tags\"", "{\"placement\": \"spread\", \"tags\""))
                        .expect(200)
                        .body()
                        .get("hostname")
                        .asText())
                .isEqualTo("host2");
    }

    @Test
    void headAnswersAsGetWithoutABody() {
        for (String path :
                List.of("/api/compute_units", "/api/servers/host1", "/api/servers/none", "/api/events", "/")) {
            Answer head = api.send("HEAD", path, BodyPublishers.noBody());
            assertThat(head.text()).isEmpty();
            assertThat(head.status()).isEqualTo(path.endsWith("none") ? 404 : 200);
        }
    }

    @Test
    void decommissionIsRefusedWhileATenantIsThereUnlessForced() {
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        JsonNode problem =
                api.delete("/api/admin/decommission_server/host1").expect(409).body();
        assertThat(problem.get("code").asText()).isEqualTo("wrong_state");
        assertThat(problem.get("detail").asText()).contains("host1_4-7");
        test.await(api.delete("/api/admin/decommission_server/host1?force=true&wipe_data_disks=true")
                .expect(200));
        assertThat(api.get("/api/servers/host1").body().get("status").asText()).isEqualTo("decommissioned");
        assertThat(units("?status=decommissioned")).hasSize(3);
    }

    @Test
    void initAnswersAtOnceAndTakesEveryOption() {
        Answer answer = api.post("/api/admin/init_server", """
                        {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": ["1", "2-3"],
                         "ssh_port": 2222, "ssh_user": "ops", "host_key": "%s", "housekeeping_cpus": "0", "data_disks": [],
                         "limits": {"memory_reserve": "1G", "memory_max": 1073741824, "memory_high": "512M", "swap_max": 0,
                           "tasks_max": 500, "disk_max": "1.5G", "inodes_max": 10000,
                           "io": [{"device": "/dev/sda", "read_bytes": "10M", "write_iops": 100}],
                           "port_enforcement": "socket_bind"}}""".formatted(test.other.hostKey()))
                .expect(200);
        assertThat(answer.text()).isEqualTo("{}");
        test.await(answer);
        JsonNode server = api.get("/api/servers/host2").expect(200).body();
        assertThat(server.get("ssh_port").asInt()).isEqualTo(2222);
        assertThat(server.get("ssh_user").asText()).isEqualTo("ops");
        assertThat(server.get("housekeeping_cpus").asText()).isEqualTo("0");
        JsonNode unit = api.get("/api/compute_units/host2_2-3").expect(200).body();
        assertThat(unit.get("ssh_port").asInt()).isEqualTo(2222);
        JsonNode limits = unit.get("limits");
        assertThat(limits.get("memory_high").asLong()).isEqualTo(512L << 20);
        assertThat(limits.get("tasks_max").asInt()).isEqualTo(500);
        assertThat(limits.get("disks").get(0).get("size").asLong()).isEqualTo(3L << 29);
        assertThat(limits.get("io").toString())
                .isEqualTo("[{\"device\":\"/dev/sda\",\"read_bytes\":10485760,\"write_bytes\":null,"
                        + "\"read_iops\":null,\"write_iops\":100}]");
        assertThat(limits.get("port_enforcement").asText()).isEqualTo("socket_bind");
    }

    @Test
    void initDividesAHostWithoutCpuRanges() {
        String init = """
                {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": null, %s}""";
        JsonNode preview = api.post(
                        "/api/admin/init_server?dry_run=true",
                        init.formatted("\"cpus_per_unit\": 1, \"housekeeping_cpus\": 2"))
                .expect(200)
                .body();
        assertThat(preview.at("/units").findValuesAsText("compute_id")).containsExactly("host2_2", "host2_3");
        assertThat(preview.at("/server/housekeeping_cpus").asText()).isEqualTo("0-1");

        Answer begun = api.post("/api/admin/init_server", init.formatted("\"units\": 1, \"housekeeping_cpus\": \"3\""))
                .expect(200);
        assertThat(begun.headers().allValues("Kloigos-Warning"))
                .hasSameSizeAs(api.get("/api/servers/host2").body().get("warnings"))
                .anySatisfy(
                        value -> assertThat(value).startsWith("processes_visible;message=\"a unit sees the names and"));
        test.await(begun);
        assertThat(units("?hostname=host2")).containsExactly("host2_0-2");
        assertThat(api.get("/api/servers/host2").body().get("housekeeping_cpus").asText())
                .isEqualTo("3");
    }

    @Test
    void aDryRunTellsUnitsServerAndPlanAndChangesNothing() {
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        String before = test.state();
        for (Answer answer : List.of(
                api.post("/api/compute_units/allocate?dry_run=true", TestServer.ALLOCATE),
                api.delete("/api/compute_units/deallocate/host1_4-7?dry_run=true"),
                api.delete("/api/admin/decommission_server/host1?force=true&dry_run=true"),
                api.post("/api/admin/init_server?dry_run=true", """
                        {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": ["1-3"]}"""))) {
            JsonNode preview = answer.expect(200).body();
            assertThat(answer.operation()).isEmpty();
            assertThat(preview.get("units")).isNotEmpty();
            assertThat(preview.get("server").get("hostname").asText()).startsWith("host");
            assertThat(preview.get("plan").get("steps")).isNotEmpty().allMatch(JsonNode::isTextual);
        }
        assertThat(test.state()).isEqualTo(before);
    }

    @Test
    void aDryRunIsRefusedAsTheRequestItselfWouldBe() {
        api.delete("/api/compute_units/deallocate/host1_4-7?dry_run=true").expect(409);
        api.delete("/api/compute_units/deallocate/host1_0?dry_run=true").expect(404);
        api.delete("/api/admin/decommission_server/none?dry_run=true").expect(404);
        api.post("/api/admin/init_server?dry_run=true", TestServer.INIT).expect(409);
    }

    @Test
    void operationsAreListedNewestFirstWithoutSteps() {
        api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
        JsonNode operations = api.get("/api/operations").expect(200).body();
        assertThat(texts(operations, "kind")).containsExactly("allocate", "init");
        assertThat(operations).allMatch(operation -> operation.get("steps").isNull());
        assertThat(api.get("/api/operations?limit=1").expect(200).body()).hasSize(1);
    }

    @Test
    void aHostThatFailsIsAProblemAndTheUnitSaysWhy() {
        test.host.inject(new HostFailure.FailStep(0, HostFailure.Effect.MISSING));
        JsonNode problem = api.post("/api/compute_units/allocate", TestServer.ALLOCATE)
                .expect(503)
                .body();
        assertThat(problem.get("code").asText()).isEqualTo("host_step_failed");
        JsonNode unit = api.get("/api/compute_units/host1_4-7").expect(200).body();
        assertThat(unit.get("status").asText()).isEqualTo("allocation_fail");
        assertThat(unit.get("reason").asText()).contains("Step 1 of");
        JsonNode operation = api.get(
                        "/api/operations/" + unit.get("operation_id").asText())
                .expect(200)
                .body();
        assertThat(operation.get("error_code").asText()).isEqualTo("host_step_failed");
        assertThat(operation.get("error")).isEqualTo(unit.get("reason"));
    }

    @Test
    void everyAnswerCarriesTheSecurityHeaders() {
        for (String path : List.of("/", "/api/servers", "/api/none", "/api/compute_units/x", "/api/servers/%zz")) {
            Answer answer = path.contains("%zz") ? malformed(path) : api.get(path);
            assertThat(answer.header("Content-Security-Policy"))
                    .contains("default-src 'none'")
                    .doesNotContain("unsafe");
            assertThat(answer.header("X-Content-Type-Options")).isEqualTo("nosniff");
            assertThat(answer.header("Server")).isEmpty();
        }
    }

    /** The client of the JDK sends no malformed path, so this one is malformed in another way. */
    private Answer malformed(String path) {
        return api.send("GET", path.replace("%zz", "%00"), BodyPublishers.noBody());
    }
}
