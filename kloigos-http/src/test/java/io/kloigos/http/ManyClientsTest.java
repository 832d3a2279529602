package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.Kloigos;
import io.kloigos.http.ApiClient.Answer;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.util.List;
import java.util.Queue;
import java.util.concurrent.Callable;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Sixteen clients before four servers of sixteen units each. */
class ManyClientsTest {
    private static final int CLIENTS = 16;
    private static final int SERVERS = 4;
    private static final int UNITS_EACH = 16;

    @Test
    void everyUnitIsGivenOnceAndNobodyIsToldThatNoneIsFreeWhileOneIs(@TempDir Path directory) throws Exception {
        FakeHost[] hosts = IntStream.rangeClosed(1, SERVERS)
                .mapToObj(i -> FakeHost.builder("host" + i, "10.0.0." + i)
                        .cpus(68)
                        .nodes(2)
                        .build())
                .toArray(FakeHost[]::new);
        try (Kloigos kloigos = Kloigos.builder()
                        .driver(FakeFleet.of(hosts).driver())
                        .database(directory.resolve("kloigos.db"))
                        .build();
                HttpServer server = HttpServer.start(kloigos, HttpSettings.loopback())) {
            ApiClient api = new ApiClient("http://127.0.0.1:" + server.port());
            for (int i = 1; i <= SERVERS; i++) {
                kloigos.await(
                        api.post("/api/admin/init_server", init(i)).expect(200).operation());
            }

            Queue<String> given = new ConcurrentLinkedQueue<>();
            Queue<JsonNode> freeAtRefusal = new ConcurrentLinkedQueue<>();
            together(() -> {
                while (true) {
                    Answer answer = api.post("/api/compute_units/allocate", TestServer.ALLOCATE);
                    if (answer.status() != 200) {
                        answer.expect(409);
                        freeAtRefusal.add(api.get("/api/compute_units?status=free")
                                .expect(200)
                                .body());
                        return;
                    }
                    given.add(answer.body().get("compute_id").asText());
                }
            });

            assertThat(given).doesNotHaveDuplicates().hasSize(SERVERS * UNITS_EACH);
            assertThat(freeAtRefusal)
                    .hasSize(CLIENTS)
                    .allSatisfy(free -> assertThat(free).isEmpty());
            assertThat(Stream.of(hosts).mapToInt(host -> tenants(host)).sum()).isEqualTo(SERVERS * UNITS_EACH);
        }
    }

    private static String init(int host) {
        String ranges = IntStream.range(0, UNITS_EACH)
                .mapToObj(i -> "\"" + (4 + 4 * i) + "-" + (7 + 4 * i) + "\"")
                .collect(Collectors.joining(", "));
        return "{\"ip\": \"10.0.0." + host + "\", \"hostname\": \"host" + host
                + "\", \"region\": \"eu\", \"zone\": \"a\", \"cpu_ranges\": [" + ranges + "]}";
    }

    private static int tenants(FakeHost host) {
        return (int) IntStream.range(0, UNITS_EACH)
                .filter(i -> host.login("u" + (4 + 4 * i) + "-" + (7 + 4 * i)).succeeds())
                .count();
    }

    private static void together(Runnable client) throws Exception {
        ExecutorService threads = Executors.newFixedThreadPool(CLIENTS);
        try {
            List<Callable<Object>> clients = IntStream.range(0, CLIENTS)
                    .mapToObj(i -> Executors.callable(client))
                    .toList();
            for (Future<Object> ended : threads.invokeAll(clients)) {
                ended.get();
            }
        } finally {
            threads.shutdown();
        }
    }
}
