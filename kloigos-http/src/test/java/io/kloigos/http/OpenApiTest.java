package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.javalin.Javalin;
import io.javalin.http.HandlerType;
import io.kloigos.http.ApiClient.Answer;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The API document says what the API does, and nothing else. */
class OpenApiTest {
    private static TestServer test;
    private static OpenApiDocument document;

    @BeforeAll
    static void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
        document = new OpenApiDocument(WebFiles.resource("openapi.json"));
    }

    @AfterAll
    static void stop() {
        test.close();
    }

    @Test
    void isServed() {
        assertThat(test.api.get("/api/openapi.json").expect(200).body()).isEqualTo(document.root());
    }

    @Test
    void describesExactlyTheRoutesThatThereAre() {
        Set<String> routes = new TreeSet<>();
        try (EventStream events = new EventStream(test.kloigos, HttpSettings.loopback())) {
            HttpSettings settings = HttpSettings.loopback();
            Readiness readiness = new Readiness(test.kloigos, InstantSource.system());
            Metrics metrics = new Metrics(readiness);
            Gate gate = new Gate(test.kloigos, settings, metrics, InstantSource.system());
            Javalin javalin = Javalin.create(config -> {
                new Api(test.kloigos, settings, events, gate, InstantSource.system()).addTo(config.routes);
                new MonitoringApi(readiness, metrics).addTo(config.routes);
            });
            javalin.unsafe.internalRouter.allHttpHandlers().stream()
                    .map(route -> route.endpoint)
                    .filter(route -> !route.method.equals(HandlerType.HEAD))
                    .forEach(route -> routes.add(route.method + " " + route.path));
        }
        assertThat(document.routes()).isEqualTo(routes).hasSizeGreaterThan(10);
    }

    @Test
    void describesAllThatIsAnswered() {
        check("GET", "/api/compute_units");
        check("GET", "/api/servers");
        check("POST", "/api/compute_units/allocate?dry_run=true", "/api/compute_units/allocate", TestServer.ALLOCATE);
        check("POST", "/api/compute_units/allocate", "/api/compute_units/allocate", TestServer.ALLOCATE);
        check("POST", "/api/compute_units/allocate", "/api/compute_units/allocate", "{}");
        check("POST", "/api/compute_units/allocate?zone=b", "/api/compute_units/allocate", TestServer.ALLOCATE);
        check("GET", "/api/compute_units");
        check("GET", "/api/compute_units/host1_4-7", "/api/compute_units/{compute_id}", "");
        check("GET", "/api/compute_units/host9_4-7", "/api/compute_units/{compute_id}", "");
        check("GET", "/api/compute_units/host9", "/api/compute_units/{compute_id}", "");
        check("GET", "/api/compute_units/host1_4-7/usage", "/api/compute_units/{compute_id}/usage", "");
        check("GET", "/api/compute_units/host1_8-11/usage", "/api/compute_units/{compute_id}/usage", "");
        check("GET", "/api/compute_units/host9_4-7/usage", "/api/compute_units/{compute_id}/usage", "");
        check("GET", "/api/servers/host1", "/api/servers/{hostname}", "");
        check("GET", "/api/servers/host9", "/api/servers/{hostname}", "");
        check("GET", "/api/healthz");
        check("GET", "/healthz");
        check("GET", "/readyz");
        String init = """
                {"ip": "10.0.0.2", "hostname": "host2", "region": "eu", "zone": "b", "cpu_ranges": ["0-1", "2-3"],
                 "limits": {"io": [{"device": "/dev/sda", "read_iops": 100}]}}""";
        check("POST", "/api/admin/init_server?dry_run=true", "/api/admin/init_server", init);
        test.await(check("POST", "/api/admin/init_server", "/api/admin/init_server", init));
        check("POST", "/api/admin/init_server", "/api/admin/init_server", init);
        check(
                "POST",
                "/api/admin/init_server",
                "/api/admin/init_server",
                init.replace(".2\"", ".9\"").replace("host2", "host9"));
        check("GET", "/api/compute_units");
        String deallocate = "/api/compute_units/deallocate/{compute_id}";
        check("DELETE", "/api/compute_units/deallocate/host1_4-7?dry_run=true", deallocate, "");
        Answer began = check("DELETE", "/api/compute_units/deallocate/host1_4-7", deallocate, "");
        test.await(began);
        String certificate = "/api/compute_units/{compute_id}/certificate";
        check("GET", "/api/compute_units/host1_4-7/certificate", certificate, "");
        check("GET", "/api/compute_units/host1_8-11/certificate", certificate, "");
        check("GET", "/api/compute_units/host9/certificate", certificate, "");
        String force = "/api/compute_units/{compute_id}/force_release";
        check("POST", "/api/compute_units/host1_4-7/force_release", force, "{\"reason\": \"none\"}");
        check("POST", "/api/compute_units/host1_4-7/force_release", force, "{}");
        check("GET", began.header("Location"), "/api/operations/{id}", "");
        check("POST", began.header("Location") + "/retry", "/api/operations/{id}/retry", "");
        check("POST", began.header("Location") + "/cancel", "/api/operations/{id}/cancel", "");
        check("GET", "/api/operations");
        check("DELETE", "/api/compute_units/deallocate/host1_4-7", deallocate, "");
        check(
                "DELETE",
                "/api/admin/decommission_server/host2?dry_run=true",
                "/api/admin/decommission_server/{hostname}",
                "");
        check("DELETE", "/api/admin/decommission_server/host9", "/api/admin/decommission_server/{hostname}", "");
    }

    private static void check(String method, String path) {
        check(method, path, path, "");
    }

    private static Answer check(String method, String path, String route, String body) {
        Answer answer =
                switch (method) {
                    case "GET" -> test.api.get(path);
                    case "POST" -> test.api.post(path, body);
                    default -> test.api.delete(path);
                };
        assertThat(document.faults(method, route, answer))
                .as(method + " " + path)
                .isEmpty();
        return answer;
    }

    @Test
    void itsExamplesAreAsItsSchemasSay() {
        int checked = 0;
        for (JsonNode holder : document.root().findParents("example")) {
            if (holder.get("schema").path("type").asText().equals("string")) {
                continue;
            }
            assertThat(document.faults(holder.get("schema"), holder.get("example")))
                    .isEmpty();
            checked++;
        }
        for (JsonNode schema : document.root().findParents("examples")) {
            for (JsonNode example : schema.get("examples")) {
                assertThat(document.faults(schema, example)).isEmpty();
                checked++;
            }
        }
        assertThat(checked).isGreaterThan(20);
    }

    @Test
    void itsRequestExamplesAreAccepted() {
        JsonNode schemas = document.root().at("/components/schemas");
        schemas.get("ComputeUnitRequest").get("examples").forEach(RequestTypes.ALLOCATE::read);
        schemas.get("InitServerRequest").get("examples").forEach(RequestTypes.INIT::read);
    }
}
