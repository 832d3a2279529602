package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the API answers about drift, each as the API document says. */
class DriftApiTest {
    private static final String SERVER = "/api/servers/host1";

    private final OpenApiDocument document = new OpenApiDocument(WebFiles.resource("openapi.json"));
    private TestServer test;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private Answer send(String method, String path) {
        String route = path.replaceAll("host1_[-0-9]+", "{compute_id}")
                .replace("servers/host1", "servers/{hostname}")
                .replaceAll("\\?.*", "");
        Answer answer = test.api.send(method, path, BodyPublishers.noBody());
        assertThat(document.faults(method, route, answer)).as(path).isEmpty();
        return answer;
    }

    @Test
    void whatDiffersIsToldAndMended() {
        send("GET", SERVER + "/drift?kept=true").expect(404);
        assertThat(send("GET", "/api/drift").expect(200).body()).isEmpty();
        test.host.run("nft", "flush", "ruleset");
        test.host.run("chown", "0:0", "/opt/c4-7");

        JsonNode found = send("GET", SERVER + "/drift").expect(200).body();
        assertThat(send("GET", "/api/drift?different=true").expect(200).body()).containsExactly(found);
        assertThat(found.get("deviations").findValuesAsText("kind"))
                .contains("port_rules", "port_owner", "directory")
                .doesNotContain("file");
        JsonNode ofUnit = send("GET", "/api/compute_units/host1_4-7/drift?kept=true")
                .expect(200)
                .body();
        assertThat(ofUnit.get("deviations").findValuesAsText("compute_id"))
                .isNotEmpty()
                .containsOnly("host1_4-7");
        int ofThisUnit = ofUnit.get("facts").asInt();
        assertThat(ofThisUnit).isBetween(20, 60);
        assertThat(ofUnit.get("unit_facts")).hasToString("{\"host1_4-7\":" + ofThisUnit + "}");
        assertThat(found.get("unit_facts")).hasSize(3);
        assertThat(found.get("facts").asInt())
                .as("the units' and the server's own")
                .isGreaterThan(2 * ofThisUnit);
        JsonNode directory = ofUnit.get("deviations").get(0);
        assertThat(directory.get("subject").asText()).isEqualTo("/opt/c4-7");
        assertThat(directory.get("expected").asText()).isEqualTo("700 20000:20000");
        assertThat(directory.get("actual").asText()).isEqualTo("700 0:0");
        assertThat(directory.get("remedy").asText()).isEqualTo("repair");

        JsonNode preview =
                send("POST", SERVER + "/repair?dry_run=true").expect(200).body();
        assertThat(preview.get("plan").get("steps").toString()).contains("directory /opt/c4-7 0700 20000");
        JsonNode operation = test.await(send("POST", SERVER + "/repair").expect(200));

        assertThat(operation.get("kind").asText()).isEqualTo("repair");
        assertThat(operation.get("state").asText()).isEqualTo("succeeded");
        assertThat(send("GET", SERVER + "/drift").expect(200).body().get("deviations"))
                .isEmpty();
        assertThat(send("GET", "/api/drift?different=true").expect(200).body()).isEmpty();
        assertThat(send("GET", "/api/drift").expect(200).body().findValuesAsText("hostname"))
                .containsExactly("host1");
        assertThat(send("GET", "/api/drift?hostname=host1").expect(200).body()).hasSize(1);
        assertThat(send("GET", "/api/drift?hostname=host2").expect(200).body()).isEmpty();
    }

    @Test
    void nobodyKnowsWhatAServerShouldHoldThatIsNotReady() {
        send("GET", "/api/compute_units/host1_0-1/drift").expect(404);
        test.await(test.api.delete("/api/admin/decommission_server/host1").expect(200));

        send("GET", SERVER + "/drift").expect(409);
        send("POST", SERVER + "/repair").expect(409);
    }
}
