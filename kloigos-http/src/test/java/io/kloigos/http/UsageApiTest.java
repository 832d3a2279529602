package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** What the API answers about what units use. */
class UsageApiTest {
    private static final String USAGE = "/api/compute_units/host1_4-7/usage";

    private TestServer test;

    @BeforeEach
    void start(@TempDir Path directory) {
        test = new TestServer(directory).withHost1();
    }

    @AfterEach
    void stop() {
        test.close();
    }

    private JsonNode usage() {
        return test.api.get(USAGE).expect(200).body();
    }

    @Test
    void aTenantsUseGrows() {
        test.api.post("/api/compute_units/allocate", TestServer.ALLOCATE).expect(200);

        JsonNode before = usage();
        JsonNode after = usage();

        assertThat(after.get("cpu_micros").asLong())
                .isGreaterThan(before.get("cpu_micros").asLong());
        assertThat(after.get("tasks").asInt()).isPositive();
        assertThat(after.get("memory").asLong()).isPositive();
        assertThat(after.get("disks").get(0).get("size").asLong()).isPositive();
    }

    @Test
    void ofAUnitThatNobodyHasNothingIsCounted() {
        JsonNode usage = usage();

        assertThat(usage.get("cpu_micros").isNull()).isTrue();
        assertThat(usage.get("memory").isNull()).isTrue();
        assertThat(usage.get("sockets")).isEmpty();
    }
}
