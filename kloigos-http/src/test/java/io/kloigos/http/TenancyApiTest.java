package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the API answers to changes of units in tenants' hands, each as the API document says. */
class TenancyApiTest {
    private static final String SECOND = TestServer.KEY.replace("IAABAgME", "IAEBAgME");
    private static final String UNIT = "/api/compute_units/host1_4-7";

    private final OpenApiDocument document = new OpenApiDocument(WebFiles.resource("openapi.json"));
    private TestServer test;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
        test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private Answer send(String method, String path, String body) {
        String route = path.replaceAll("host1_[-0-9]+", "{compute_id}")
                .replace("servers/host1", "servers/{hostname}")
                .replaceAll("\\?.*", "");
        Answer answer = test.api.send(
                method,
                path,
                body.isEmpty() ? BodyPublishers.noBody() : BodyPublishers.ofString(body),
                "Content-Type",
                "application/json");
        assertThat(document.faults(method, route, answer)).as(path).isEmpty();
        return answer;
    }

    private static List<String> texts(JsonNode list) {
        List<String> texts = new ArrayList<>();
        list.forEach(each -> texts.add(each.asText()));
        return texts;
    }

    @Test
    void keysAreReplacedAndAnsweredWithTheUnit() {
        String body = "{\"ssh_public_keys\": [\"" + SECOND + "\"]}";
        JsonNode preview =
                send("PUT", UNIT + "/ssh_keys?dry_run=true", body).expect(200).body();
        assertThat(preview.get("plan").get("steps").get(0).asText()).startsWith("file /etc/kloigos/keys/u4-7");
        assertThat(test.host.login("u4-7").keys()).containsExactly(TestServer.KEY);

        Answer answer = send("PUT", UNIT + "/ssh_keys", body).expect(200);
        assertThat(texts(answer.body().get("ssh_public_keys"))).containsExactly(SECOND);
        assertThat(test.host.login("u4-7").keys()).containsExactly(SECOND);
        assertThat(test.await(answer).get("kind").asText()).isEqualTo("rotate_keys");
        send("PUT", UNIT + "/ssh_keys", "{\"ssh_public_keys\": []}").expect(422);
    }

    @Test
    void anAllocationTakesOneKeyOrSeveralButNotBoth() {
        String keys = "\"ssh_public_keys\": [\"" + TestServer.KEY + "\", \"" + SECOND + "\"]";
        JsonNode unit = send("POST", "/api/compute_units/allocate", "{\"tags\": null, " + keys + "}")
                .expect(200)
                .body();
        assertThat(texts(unit.get("ssh_public_keys"))).containsExactly(TestServer.KEY, SECOND);
        assertThat(test.host.login("u8-11").keys()).containsExactly(TestServer.KEY, SECOND);

        Answer both = send(
                        "POST",
                        "/api/compute_units/allocate",
                        "{\"tags\": null, \"ssh_public_key\": \"" + TestServer.KEY + "\", " + keys + "}")
                .expect(422);
        assertThat(both.text()).contains("beside ssh_public_key");
        Answer twice = send(
                        "POST",
                        "/api/compute_units/allocate",
                        "{\"tags\": null, \"ssh_public_keys\": [\"" + SECOND + "\", \"" + SECOND + "\"]}")
                .expect(422);
        assertThat(twice.body().get("detail").get(0).get("loc").toString())
                .isEqualTo("[\"body\",\"ssh_public_keys\",1]");
    }

    @Test
    void tagsAreReplaced() {
        JsonNode unit = send("PUT", UNIT + "/tags", "{\"tags\": {\"deployment_id\": \"web_v2\"}}")
                .expect(200)
                .body();
        assertThat(unit.get("tags").toString()).isEqualTo("{\"deployment_id\":\"web_v2\"}");
        assertThat(test.api
                        .get("/api/compute_units?deployment_id=web")
                        .expect(200)
                        .body())
                .isEmpty();
        assertThat(send("PUT", UNIT + "/tags", "{}").expect(422).text()).contains("missing");
        send("PUT", UNIT.replace("4-7", "8-11") + "/tags", "{\"tags\": null}").expect(409);
    }

    @Test
    void aServerIsCordonedAndDrained() {
        String reason = "{\"reason\": \"disk 2 is failing\"}";
        JsonNode cordoned =
                send("POST", "/api/servers/host1/cordon", reason).expect(200).body();
        assertThat(cordoned.get("cordoned").asBoolean()).isTrue();
        assertThat(cordoned.get("cordon_reason").asText()).isEqualTo("disk 2 is failing");
        assertThat(cordoned.get("status").asText()).isEqualTo("ready");
        assertThat(send("POST", "/api/compute_units/allocate", TestServer.ALLOCATE)
                        .expect(409)
                        .body()
                        .get("detail")
                        .asText())
                .contains("host1 (disk 2 is failing)");
        send("POST", "/api/servers/host1/uncordon", "").expect(200);

        send("POST", "/api/servers/host1/drain", reason).expect(409);
        assertThat(send("POST", "/api/servers/host1/drain?force=true&dry_run=true", reason)
                        .expect(200)
                        .body()
                        .get("units"))
                .hasSize(1);
        JsonNode drain = send("POST", "/api/servers/host1/drain?force=true", reason)
                .expect(200)
                .body();
        assertThat(drain.get("operations")).hasSize(1);
        test.kloigos.await(drain.get("operations").get(0).get("id").asText());
        assertThat(test.api.get(UNIT).expect(200).body().get("status").asText()).isEqualTo("free");
        send("POST", "/api/servers/host1/cordon", "{\"reason\": \" \"}").expect(422);
    }

    @Test
    void aFreeUnitIsWithdrawnAndPutBack() {
        String unit = UNIT.replace("4-7", "8-11");
        JsonNode withdrawn = send("POST", unit + "/withdraw", "{\"reason\": \"CPU 9 throttles\"}")
                .expect(200)
                .body();
        assertThat(withdrawn.get("status").asText()).isEqualTo("unavailable");
        assertThat(withdrawn.get("reason").asText()).isEqualTo("CPU 9 throttles");
        assertThat(send("POST", unit + "/put_back", "")
                        .expect(200)
                        .body()
                        .get("status")
                        .asText())
                .isEqualTo("free");
        send("POST", UNIT + "/withdraw", "{\"reason\": \"x\"}").expect(409);
    }

    @Test
    void aUnitIsGivenAnExpiry() {
        JsonNode unit = send("PUT", UNIT + "/expires_at", "{\"expires_at\": \"2999-12-24T18:00:00Z\"}")
                .expect(200)
                .body();
        assertThat(unit.get("expires_at").asText()).isEqualTo("2999-12-24T18:00:00Z");
        assertThat(send("PUT", UNIT + "/expires_at", "{\"expires_at\": null}")
                        .expect(200)
                        .body()
                        .get("expires_at")
                        .isNull())
                .isTrue();
        send("PUT", UNIT + "/expires_at", "{}").expect(422);
        send("PUT", UNIT + "/expires_at", "{\"expires_at\": \"tomorrow\"}").expect(422);
        send("PUT", UNIT + "/expires_at", "{\"expires_at\": \"2001-01-01T00:00:00Z\"}")
                .expect(422);
        assertThat(send(
                                "POST",
                                "/api/compute_units/allocate",
                                TestServer.ALLOCATE.replace(
                                        "{\"tags\"", "{\"expires_at\": \"2999-01-01T00:00:00Z\", \"tags\""))
                        .expect(200)
                        .body()
                        .get("expires_at")
                        .asText())
                .isEqualTo("2999-01-01T00:00:00Z");
    }

    @Test
    void aUnitIsStoppedAndStarted() {
        send("POST", UNIT + "/stop?dry_run=true", "").expect(200);
        assertThat(test.host.login("u4-7").succeeds()).isTrue();
        JsonNode stopped = send("POST", UNIT + "/stop", "").expect(200).body();
        assertThat(stopped.get("status").asText()).isEqualTo("allocated");
        assertThat(stopped.get("stopped").asBoolean()).isTrue();
        assertThat(stopped.get("stopped_at").asText()).endsWith("Z");
        assertThat(test.host.login("u4-7").succeeds()).isFalse();
        assertThat(send("POST", UNIT + "/stop", "").expect(200).body().get("stopped_at"))
                .isEqualTo(stopped.get("stopped_at"));

        JsonNode started = send("POST", UNIT + "/start", "").expect(200).body();
        assertThat(started.get("stopped").asBoolean()).isFalse();
        assertThat(started.get("stopped_at").isNull()).isTrue();
        assertThat(test.host.login("u4-7").succeeds()).isTrue();
    }

    @Test
    void aUnitIsResized() {
        String body =
                "{\"memory_max\": \"2G\", \"tasks_max\": 500, \"io\": [{\"device\": \"/dev/sda\", \"read_iops\": 100}]}";
        send("PATCH", UNIT + "/limits?dry_run=true", body).expect(200);
        JsonNode limits =
                send("PATCH", UNIT + "/limits", body).expect(200).body().get("limits");
        assertThat(limits.get("memory_max").asLong()).isEqualTo(2L << 30);
        assertThat(limits.get("tasks_max").asInt()).isEqualTo(500);
        assertThat(limits.get("io").get(0).get("read_iops").asInt()).isEqualTo(100);
        send("PATCH", UNIT + "/limits", "{\"cpus\": \"0-3\"}").expect(422);
        send("PATCH", UNIT + "/limits", "{\"memory_max\": \"1M\"}").expect(422);
        send("PATCH", UNIT + "/limits", "{\"data_max\": \"1G\"}").expect(422);
    }
}
