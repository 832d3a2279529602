package io.kloigos;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.Operation;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** Hosts that do not answer hold up no others, also if they are more than there are threads. */
@Timeout(60)
class DeadHostsTest {
    private static final List<String> DEAD = hosts("dead", HostThreads.PARALLEL + 1);
    private static final List<String> LIVE = hosts("live", 4);

    private final CountDownLatch ended = new CountDownLatch(1);
    private final ScriptedDriver driver = new ScriptedDriver();
    private final Path database;
    private Kloigos kloigos;

    DeadHostsTest(@TempDir Path directory) {
        database = directory.resolve("kloigos.db");
        kloigos = builder().neverCheckDrift().build();
    }

    private static List<String> hosts(String name, int count) {
        return IntStream.range(0, count).mapToObj(host -> name + host).toList();
    }

    private KloigosBuilder builder() {
        return Kloigos.builder().driver(driver).database(database);
    }

    @AfterEach
    void close() {
        ended.countDown();
        kloigos.close();
    }

    private List<Operation> init(List<String> hosts) {
        List<Operation> begun = new ArrayList<>();
        hosts.forEach(host -> begun.add(kloigos.initServer(SampleFleet.request(host, "4-7"))));
        return begun;
    }

    private void succeed(List<Operation> begun) {
        assertThat(begun)
                .allSatisfy(operation ->
                        assertThat(kloigos.await(operation.id()).state()).isEqualTo(Operation.State.SUCCEEDED));
    }

    private void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS))
                    .as("what is waited for")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    @Test
    void othersAreInitialized() {
        CountDownLatch begun = new CountDownLatch(HostThreads.PARALLEL);
        driver.host = (plan, listener) -> {
            begun.countDown();
            await(ended);
            return ScriptedDriver.succeed(plan, listener);
        };
        List<Operation> dead = init(DEAD);
        await(begun);
        driver.host = ScriptedDriver::succeed;

        succeed(init(LIVE));
        assertThat(kloigos.operation(dead.get(0).id()).state()).isEqualTo(Operation.State.RUNNING);
    }

    @Test
    void othersAreLookedAtForDrift() {
        succeed(init(Stream.of(DEAD, LIVE).flatMap(List::stream).toList()));
        kloigos.close();
        driver.reading = reading -> "0";
        driver.opening = address -> {
            if (DEAD.contains(address.hostname())) {
                await(ended);
            }
        };
        CountDownLatch found = new CountDownLatch(LIVE.size());
        kloigos =
                builder().checkDrift(Duration.ofSeconds(1), DriftPolicy.REPORT).build();
        kloigos.listen(event -> {
            if (event instanceof Event.DriftChanged changed
                    && LIVE.contains(changed.report().hostname())) {
                found.countDown();
            }
        });
        await(found);

        assertThat(DEAD).noneMatch(host -> kloigos.drift(host).isPresent());
    }
}
