package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.model.Role;
import java.net.http.HttpRequest.BodyPublishers;
import java.nio.file.Path;
import java.time.InstantSource;
import java.util.EnumMap;
import java.util.HashSet;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;

/**
 * Every endpoint of the API document for everybody, on what is theirs and on what is not. A request that is let in is refused
 * for a query parameter that nothing knows (422), so nothing changes.
 */
class AuthorizationMatrixTest {
    private static final OpenApiDocument DOCUMENT = new OpenApiDocument(WebFiles.resource("openapi.json"));
    private static final int LET_IN = 422;

    private static TestServer test;
    private static final Map<Role, ApiClient> CLIENTS = new EnumMap<>(Role.class);
    private static Answer own;
    private static Answer foreign;

    /** What is called, as the document says. */
    private record Endpoint(String method, String path, JsonNode described) {
        Set<String> roles() {
            Set<String> roles = new HashSet<>();
            described.path("x-kloigos-roles").forEach(role -> roles.add(role.asText()));
            return roles;
        }

        boolean isPublic() {
            return described.path("security").isArray();
        }

        boolean isOfTenants() {
            return path.contains("{compute_id}") || path.contains("{id}");
        }

        Answer call(ApiClient client, String unit, String operation) {
            String place = path.replace("{compute_id}", unit)
                    .replace("{id}", operation)
                    .replace("{hostname}", "host1")
                    .replace("{token_id}", "0123456789abcdef");
            return client.send(
                    method,
                    place + "?no_such_parameter=1",
                    method.equals("GET") || method.equals("DELETE")
                            ? BodyPublishers.noBody()
                            : BodyPublishers.ofString("{}"),
                    "Content-Type",
                    "application/json");
        }

        @Override
        public String toString() {
            return method + " " + path;
        }
    }

    @BeforeAll
    static void start(@TempDir Path directory) {
        test = new TestServer(directory, TestServer.patient(), InstantSource.system()).withHost1();
        for (Role role : Role.values()) {
            CLIENTS.put(role, test.as(role, role == Role.TENANT ? "acme" : null));
        }
        own = client(Role.TENANT)
                .post("/api/compute_units/allocate", TestServer.ALLOCATE)
                .expect(200);
        foreign = test.as(Role.TENANT, "other")
                .post("/api/compute_units/allocate", TestServer.ALLOCATE)
                .expect(200);
    }

    @AfterAll
    static void stop() {
        test.close();
    }

    private static ApiClient client(Role role) {
        return Objects.requireNonNull(CLIENTS.get(role));
    }

    static Stream<Endpoint> endpoints() {
        return DOCUMENT.root().get("paths").properties().stream()
                .flatMap(path -> path.getValue().properties().stream()
                        .map(method -> new Endpoint(
                                method.getKey().toUpperCase(Locale.ROOT), path.getKey(), method.getValue())));
    }

    @Test
    void everyEndpointHasARule() {
        assertThat(endpoints())
                .hasSizeGreaterThan(35)
                .allSatisfy(endpoint -> assertThat(AccessRules.has(endpoint.toString()))
                        .as(endpoint + " needs a rule in AccessRules")
                        .isTrue())
                .allSatisfy(endpoint -> assertThat(
                                endpoint.isPublic() != endpoint.roles().isEmpty())
                        .as(endpoint + " is either public or for roles, in the document")
                        .isFalse())
                .allSatisfy(endpoint -> assertThat(AccessRules.isPublic(endpoint.toString()))
                        .as(endpoint.toString())
                        .isEqualTo(endpoint.isPublic()));
    }

    @ParameterizedTest
    @MethodSource("endpoints")
    void isForThoseWhomTheDocumentNames(Endpoint endpoint) {
        String unit = own.body().get("compute_id").asText();
        String operation = own.body().get("operation_id").asText();
        int nobody = endpoint.call(test.api, unit, operation).status();
        assertThat(nobody).as("nobody").isNotEqualTo(403);
        assertThat(nobody == 401).as("nobody: " + nobody).isEqualTo(!endpoint.isPublic());
        if (endpoint.isPublic()) {
            return;
        }
        CLIENTS.forEach((role, client) -> assertThat(
                        endpoint.call(client, unit, operation).status())
                .as(role + " on what is the tenant's own")
                .isEqualTo(endpoint.roles().contains(role.toString()) ? LET_IN : 403));
    }

    @ParameterizedTest
    @EnumSource(Role.class)
    void aSessionTellsWhatTheRoleMayDo(Role role) {
        JsonNode session = client(role).get("/api/session").expect(200).body();
        assertThat(session.get("may"))
                .extracting(JsonNode::asText)
                .containsExactlyInAnyOrderElementsOf(endpoints()
                        .filter(endpoint -> endpoint.roles().contains(role.toString()))
                        .map(Endpoint::toString)
                        .toList());
        int dryRun = client(role)
                .delete("/api/compute_units/deallocate/"
                        + own.body().get("compute_id").asText() + "?dry_run=true")
                .status();
        assertThat(session.get("may_dry_run").asBoolean()).isEqualTo(dryRun == 200);
    }

    static Stream<Endpoint> endpointsOfTenants() {
        return endpoints().filter(Endpoint::isOfTenants);
    }

    @ParameterizedTest
    @MethodSource("endpointsOfTenants")
    void anotherTenantsIsAsUnknown(Endpoint endpoint) {
        String unit = foreign.body().get("compute_id").asText();
        String operation = foreign.body().get("operation_id").asText();
        CLIENTS.forEach((role, client) -> {
            boolean allowed = endpoint.roles().contains(role.toString());
            int expected = !allowed ? 403 : role == Role.TENANT ? 404 : LET_IN;
            assertThat(endpoint.call(client, unit, operation).status())
                    .as(role + " on what is another tenant's")
                    .isEqualTo(expected);
        });
        if (endpoint.roles().contains(Role.TENANT.toString())) {
            ApiClient tenant = client(Role.TENANT);
            assertThat(endpoint.call(tenant, unit, operation).text())
                    .isEqualTo(endpoint.call(tenant, "host9_4-7", "none")
                            .text()
                            .replace("host9_4-7", unit)
                            .replace("none", operation));
        }
    }
}
