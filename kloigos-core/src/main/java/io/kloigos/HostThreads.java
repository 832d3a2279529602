package io.kloigos;

import io.kloigos.model.Tenant;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Future;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.SynchronousQueue;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.ThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * Threads for work on hosts. {@value #PARALLEL} pieces of work are under way at once. One that takes longer than it is given waits for its
 * host, not for this machine, and makes room for another one, up to {@value #MOST} in all; so hosts that are slow or do
 * not answer hold up no others. Of one host at most {@value #MOST_OF_A_HOST} are under way. Those for whom work is done take
 * turns. Thread-safe.
 */
final class HostThreads implements AutoCloseable {
    static final int PARALLEL = 32;
    static final int MOST = 256;
    static final int MOST_OF_A_HOST = 16;

    /** What this machine itself has to do for an operation takes less. */
    static final Duration PATIENCE = Duration.ofSeconds(1);

    private static final Duration IDLE = Duration.ofSeconds(10);

    private final Duration patience;
    private final ThreadPoolExecutor threads;
    private final ScheduledThreadPoolExecutor watch;
    private final Map<Optional<Tenant>, Deque<Work>> waiting = new LinkedHashMap<>();
    private final Map<String, Integer> ofHost = new HashMap<>();
    private int underWay;
    private int late;
    private boolean closed;

    private static final class Work {
        private final String hostname;
        private final Runnable task;
        private final Runnable dropped;
        private boolean underWay;
        private boolean late;

        Work(String hostname, Runnable task, Runnable dropped) {
            this.hostname = hostname;
            this.task = task;
            this.dropped = dropped;
        }
    }

    /**
     * No threads yet.
     *
     * @param patience after which a piece of work makes room for another one
     */
    HostThreads(ThreadFactory factory, Duration patience) {
        this.patience = patience;
        // Those that have just ended their work may be a few more.
        this.threads = new ThreadPoolExecutor(
                0, Integer.MAX_VALUE, IDLE.toSeconds(), TimeUnit.SECONDS, new SynchronousQueue<>(), factory);
        this.watch = new ScheduledThreadPoolExecutor(1, factory, new ThreadPoolExecutor.DiscardPolicy());
        watch.setRemoveOnCancelPolicy(true);
        watch.setKeepAliveTime(IDLE.toSeconds(), TimeUnit.SECONDS);
        watch.allowCoreThreadTimeOut(true);
    }

    /**
     * Runs {@code task} as soon as there is a thread for it.
     *
     * @param owner for whom it is done; null for the fleet's operator
     * @param hostname on which host
     * @param dropped is run instead, by {@link #close}, if there was no thread until then
     * @throws RejectedExecutionException after {@link #close}
     */
    synchronized void execute(@Nullable Tenant owner, String hostname, Runnable task, Runnable dropped) {
        if (closed) {
            throw new RejectedExecutionException("closed");
        }
        Optional<Tenant> party = Optional.ofNullable(owner);
        Work work = new Work(hostname, task, dropped);
        waiting.computeIfAbsent(party, key -> new ArrayDeque<>()).add(work);
        boolean taken = false;
        try {
            begin();
            taken = true;
        } finally {
            // There was no thread: whoever asked is told, and it must not be done later all the same.
            if (!taken) {
                remove(party, work);
            }
        }
    }

    /** Returns how many pieces of work wait, for a thread or for this machine. */
    synchronized int pending() {
        return underWay - late + waiting.values().stream().mapToInt(Deque::size).sum();
    }

    private void begin() {
        while (underWay - late < PARALLEL && underWay < MOST) {
            if (!beginNext()) {
                return;
            }
        }
    }

    /** Returns whether there was anything to begin. */
    private boolean beginNext() {
        for (Map.Entry<Optional<Tenant>, Deque<Work>> entry : waiting.entrySet()) {
            Optional<Work> next = entry.getValue().stream()
                    .filter(work -> ofHost.getOrDefault(work.hostname, 0) < MOST_OF_A_HOST)
                    .findFirst();
            if (next.isPresent()) {
                begin(entry.getKey(), next.get());
                return true;
            }
        }
        return false;
    }

    private void begin(Optional<Tenant> party, Work work) {
        // First, since whoever asked is told if there is no thread for it.
        Future<?> alarm = watch.schedule(() -> makeRoom(work), patience.toMillis(), TimeUnit.MILLISECONDS);
        threads.execute(() -> run(work, alarm));
        work.underWay = true;
        underWay++;
        ofHost.merge(work.hostname, 1, Integer::sum);
        remove(party, work);
    }

    /** The party goes to the end of the queue. */
    private void remove(Optional<Tenant> party, Work work) {
        Deque<Work> own = waiting.remove(party);
        if (own == null) {
            return;
        }
        own.remove(work);
        if (!own.isEmpty()) {
            waiting.put(party, own);
        }
    }

    private void run(Work work, Future<?> alarm) {
        try {
            work.task.run();
        } finally {
            alarm.cancel(false);
            end(work);
        }
    }

    private synchronized void makeRoom(Work work) {
        if (work.underWay) {
            work.late = true;
            late++;
            begin();
        }
    }

    private synchronized void end(Work work) {
        work.underWay = false;
        underWay--;
        if (work.late) {
            late--;
        }
        ofHost.computeIfPresent(work.hostname, (host, count) -> count == 1 ? null : count - 1);
        begin();
        endIfDone();
    }

    private void endIfDone() {
        if (closed && underWay == 0) {
            threads.shutdown();
            watch.shutdown();
        }
    }

    /** Takes no new work, and drops what waits; what is under way goes on. */
    @Override
    public void close() {
        List<Work> left;
        synchronized (this) {
            closed = true;
            left = waiting.values().stream().flatMap(Deque::stream).toList();
            waiting.clear();
            endIfDone();
        }
        left.forEach(work -> work.dropped.run());
    }
}
