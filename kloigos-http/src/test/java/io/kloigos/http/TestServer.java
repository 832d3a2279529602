package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.Kloigos;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.model.ApiToken;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import io.kloigos.model.TokenSecret;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.SQLException;
import java.time.Instant;
import java.time.InstantSource;
import org.jspecify.annotations.Nullable;

/** The HTTP server before a fleet of one fake host with 16 CPUs on two nodes, and a second host that nobody manages. */
final class TestServer implements AutoCloseable {
    static final String KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant";
    static final String ALLOCATE = "{\"tags\": {\"deployment_id\": \"web\"}, \"ssh_public_key\": \"" + KEY + "\"}";
    static final String INIT = """
            {"ip": "10.0.0.1", "hostname": "host1", "region": "eu", "zone": "a",
             "cpu_ranges": ["4-7", "8-11", "12-15"]}""";

    private static final SecureRandom RANDOM = new SecureRandom();

    final FakeHost host = FakeHost.builder("host1", "10.0.0.1")
            .cpus(16)
            .nodes(2)
            .disk("/dev/vdb", ByteSize.parse("100G"))
            .build();
    final FakeHost other = FakeHost.builder("host2", "10.0.0.2").cpus(4).build();
    final Kloigos kloigos;
    final HttpServer server;
    final ApiClient api;
    private final Path database;

    TestServer(Path directory) {
        this(directory, HttpSettings.loopback(), InstantSource.system());
    }

    TestServer(Path directory, HttpSettings settings, InstantSource clock) {
        database = directory.resolve("kloigos.db");
        kloigos = Kloigos.builder()
                .driver(FakeFleet.of(host, other).driver())
                .database(database)
                .build();
        server = HttpServer.start(kloigos, settings, clock);
        api = new ApiClient("http://127.0.0.1:" + server.port());
    }

    /** Settings under which no test sends too many requests. */
    static HttpSettings patient() {
        return HttpSettings.loopback().with(new AccessSettings(null, null, null, 100_000));
    }

    /** Returns a client that sends a token, with a name like its role, which is made in the database as the command does. */
    ApiClient as(Role role, @Nullable String tenant) {
        return api.withToken(token(role, tenant).text());
    }

    /** Makes a token. */
    TokenSecret token(Role role, @Nullable String tenant) {
        byte[] bytes = new byte[TokenSecret.BYTES];
        RANDOM.nextBytes(bytes);
        TokenSecret secret = TokenSecret.of(bytes);
        String name = tenant == null ? role.toString() : tenant;
        kloigos.access()
                .tokens()
                .add(
                        new ApiToken(
                                secret.id(),
                                name,
                                role,
                                tenant == null ? null : new Tenant(tenant),
                                "test",
                                Instant.EPOCH,
                                null,
                                null,
                                null),
                        secret);
        return secret;
    }

    /** Brings host1 under management and waits until its units are free. */
    TestServer withHost1() {
        await(api.post("/api/admin/init_server", INIT).expect(200));
        return this;
    }

    /** Returns this server with so many more operations, each like the one that brought host1 under management. */
    TestServer withOperations(int more) {
        return withOperations(more, "hostname, compute_id", "created_at");
    }

    /** Returns this server with so many more operations on another server, which nobody else's are newer than. */
    TestServer withOperationsElsewhere(int more) {
        return withOperations(more, "'elsewhere', compute_id", "'2999-01-01T00:00:00.000000000Z'");
    }

    private TestServer withOperations(int more, String where, String createdAt) {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                PreparedStatement insert = connection.prepareStatement(
                        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?)"
                                + " INSERT INTO operations SELECT 'copy-' || n, kind, " + where + ", data_disks,"
                                + " state, attempt, error, error_code, " + createdAt + ", started_at, ended_at, steps,"
                                + " cancel_requested, fence, replica, lease_until, wanted, owner"
                                + " FROM operations, numbers WHERE kind = 'init' AND hostname = 'host1'")) {
            insert.setInt(1, more);
            insert.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return this;
    }

    /** Returns this server with so many more units on host1, the last of which cannot be read. */
    TestServer withUnitsAndOneThatCannotBeRead(int more) {
        try (Connection connection = DriverManager.getConnection("jdbc:sqlite:" + database);
                PreparedStatement insert = connection.prepareStatement(
                        "WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < ?1)"
                                + " INSERT INTO units SELECT 'host1_' || (100 + n), hostname, 100 + n, 100 + n, 1,"
                                + " 30000 + n, 40000 + n, 40001 + n, limits, data_directory,"
                                + " CASE n WHEN ?1 THEN 'from_the_future' ELSE status END, reason, tags, deployment_id,"
                                + " ssh_public_keys, started_at, operation_id, fence, expires_at, expiry_told,"
                                + " stopped_at, numa_nodes, resized_limits, owner"
                                + " FROM units, numbers WHERE compute_id = 'host1_4-7'")) {
            insert.setInt(1, more);
            insert.executeUpdate();
        } catch (SQLException e) {
            throw new IllegalStateException(e);
        }
        return this;
    }

    /** Waits until the operation that was answered with has succeeded, and returns it. */
    JsonNode await(Answer answer) {
        return await(answer, api);
    }

    JsonNode await(Answer answer, ApiClient client) {
        kloigos.await(answer.operation());
        JsonNode operation =
                client.get("/api/operations/" + answer.operation()).expect(200).body();
        if (!operation.get("state").asText().equals("succeeded")) {
            throw new AssertionError("operation failed: " + operation.toPrettyString());
        }
        return operation;
    }

    /** Returns everything that the API tells and everything on the hosts, to be compared with later. */
    String state() {
        return String.join(
                "\n",
                api.get("/api/compute_units").expect(200).text(),
                api.get("/api/servers").expect(200).text(),
                api.get("/api/operations").expect(200).text(),
                host.applied().toString(),
                host.state(),
                other.applied().toString(),
                other.state());
    }

    @Override
    public void close() {
        server.close();
        kloigos.close();
    }
}
