package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.Kloigos;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.model.ByteSize;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;

/** The HTTP server before a fleet of one fake host with 16 CPUs on two nodes, and a second host that nobody manages. */
final class TestServer implements AutoCloseable {
    static final String KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant";
    static final String ALLOCATE = "{\"tags\": {\"deployment_id\": \"web\"}, \"ssh_public_key\": \"" + KEY + "\"}";
    static final String INIT = """
            {"ip": "10.0.0.1", "hostname": "host1", "region": "eu", "zone": "a",
             "cpu_ranges": ["4-7", "8-11", "12-15"]}""";

    final FakeHost host = FakeHost.builder("host1", "10.0.0.1")
            .cpus(16)
            .nodes(2)
            .disk("/dev/vdb", ByteSize.parse("100G"))
            .build();
    final FakeHost other = FakeHost.builder("host2", "10.0.0.2").cpus(4).build();
    final Kloigos kloigos;
    final HttpServer server;
    final ApiClient api;

    TestServer(Path directory) {
        kloigos = Kloigos.builder()
                .driver(FakeFleet.of(host, other).driver())
                .database(directory.resolve("kloigos.db"))
                .build();
        server = HttpServer.start(kloigos, HttpSettings.loopback());
        api = new ApiClient("http://127.0.0.1:" + server.port());
    }

    /** Brings host1 under management and waits until its units are free. */
    TestServer withHost1() {
        await(api.post("/api/admin/init_server", INIT).expect(200));
        return this;
    }

    /** Waits until the operation that was answered with has succeeded, and returns it. */
    JsonNode await(Answer answer) {
        kloigos.await(answer.operation());
        JsonNode operation =
                api.get("/api/operations/" + answer.operation()).expect(200).body();
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
