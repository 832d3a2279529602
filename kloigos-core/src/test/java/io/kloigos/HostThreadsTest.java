package io.kloigos;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.Tenant;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicInteger;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** Nobody's work on hosts holds up that of others. */
@Timeout(60)
class HostThreadsTest {
    private static final Tenant ANN = new Tenant("ann");
    private static final Tenant BOB = new Tenant("bob");

    private final CountDownLatch go = new CountDownLatch(1);
    private HostThreads threads = patient();

    private static HostThreads patient() {
        return new HostThreads(HostThreadsTest::daemon, Duration.ofHours(1));
    }

    private static void nothing() {}

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task);
        thread.setDaemon(true);
        thread.setUncaughtExceptionHandler((failed, failure) -> {});
        return thread;
    }

    @AfterEach
    void close() {
        go.countDown();
        threads.close();
    }

    private static void await(CountDownLatch latch) {
        try {
            assertThat(latch.await(30, TimeUnit.SECONDS))
                    .as("what is waited for")
                    .isTrue();
        } catch (InterruptedException e) {
            throw new IllegalStateException(e);
        }
    }

    /** Makes that many threads busy until {@link #go}, each with another host. */
    private void occupy(int count) {
        CountDownLatch begun = new CountDownLatch(count);
        for (int host = 0; host < count; host++) {
            Runnable task = () -> {
                begun.countDown();
                await(go);
            };
            threads.execute(null, "busy" + host, task, HostThreadsTest::nothing);
        }
        await(begun);
    }

    @Test
    void thoseForWhomWorkIsDoneTakeTurns() {
        occupy(HostThreads.PARALLEL - 1);
        CountDownLatch last = new CountDownLatch(1);
        threads.execute(null, "host0", () -> await(last), HostThreadsTest::nothing);
        List<String> order = new CopyOnWriteArrayList<>();
        CountDownLatch done = new CountDownLatch(6);
        for (Ask ask : List.of(
                new Ask(ANN, "ann1"),
                new Ask(ANN, "ann2"),
                new Ask(ANN, "ann3"),
                new Ask(BOB, "bob1"),
                new Ask(null, "operator1"),
                new Ask(BOB, "bob2"))) {
            Runnable task = () -> {
                order.add(ask.hostname());
                done.countDown();
            };
            threads.execute(ask.owner(), ask.hostname(), task, HostThreadsTest::nothing);
        }
        last.countDown();
        await(done);

        assertThat(order).containsExactly("ann1", "bob1", "operator1", "ann2", "bob2", "ann3");
    }

    private record Ask(@Nullable Tenant owner, String hostname) {}

    @Test
    void oneHostDoesNotTakeAllThreads() {
        AtomicInteger begun = new AtomicInteger();
        for (int unit = 0; unit < 2 * HostThreads.PARALLEL; unit++) {
            Runnable task = () -> {
                begun.incrementAndGet();
                await(go);
            };
            threads.execute(null, "host1", task, HostThreadsTest::nothing);
        }
        CountDownLatch other = new CountDownLatch(1);
        threads.execute(null, "host2", other::countDown, HostThreadsTest::nothing);
        await(other);

        assertThat(begun).hasValueLessThanOrEqualTo(HostThreads.MOST_OF_A_HOST);
    }

    @Test
    void whatWaitsForItsHostMakesRoomAndIsBoundedNevertheless() {
        threads.close();
        threads = new HostThreads(HostThreadsTest::daemon, Duration.ofMillis(1));
        int more = 8;
        AtomicInteger underWay = new AtomicInteger();
        AtomicInteger most = new AtomicInteger();
        CountDownLatch begun = new CountDownLatch(HostThreads.MOST);
        CountDownLatch ended = new CountDownLatch(HostThreads.MOST + more);
        for (int host = 0; host < HostThreads.MOST + more; host++) {
            Runnable task = () -> {
                most.accumulateAndGet(underWay.incrementAndGet(), Math::max);
                begun.countDown();
                await(go);
                underWay.decrementAndGet();
                ended.countDown();
            };
            threads.execute(null, "host" + host, task, HostThreadsTest::nothing);
        }
        await(begun);
        go.countDown();
        await(ended);

        assertThat(most).hasValue(HostThreads.MOST);
    }

    @Test
    void whatFailsMakesRoomToo() {
        occupy(HostThreads.PARALLEL - 1);
        CountDownLatch done = new CountDownLatch(3);
        Runnable failing = () -> {
            done.countDown();
            throw new IllegalStateException("no");
        };
        for (int task = 0; task < 3; task++) {
            threads.execute(null, "host1", failing, HostThreadsTest::nothing);
        }
        await(done);
    }

    @Test
    void whatWaitsWhenItIsClosedIsDroppedAndNothingElseIsTaken() {
        occupy(HostThreads.PARALLEL);
        List<String> became = new CopyOnWriteArrayList<>();
        threads.execute(null, "host1", () -> became.add("done"), () -> became.add("dropped"));
        threads.close();

        assertThat(became).containsExactly("dropped");
        assertThat(threads.pending()).isEqualTo(HostThreads.PARALLEL);
        assertThatThrownBy(() -> threads.execute(null, "host1", () -> {}, HostThreadsTest::nothing))
                .isInstanceOf(RejectedExecutionException.class);
    }
}
