package io.kloigos.driver.ssh;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * The open connections. Commands share a connection as far as the settings allow; beyond that another is opened. Whoever
 * needs a connection while one to the same host is being opened waits for that one, and fails with it.
 */
final class ConnectionPool implements AutoCloseable {
    private record Attempt(ConnectionKey key, @Nullable String pin) {}

    private static final List<Duration> PAUSES_AFTER_A_DROP =
            List.of(Duration.ofMillis(300), Duration.ofSeconds(1), Duration.ofSeconds(2));

    private final SshSettings settings;
    private final ScheduledThreadPoolExecutor watch;
    private final List<SshConnection> connections = new ArrayList<>();
    private final Map<Attempt, CompletableFuture<Void>> attempts = new HashMap<>();
    private final CountDownLatch closed = new CountDownLatch(1);

    ConnectionPool(SshSettings settings) {
        this.settings = settings;
        this.watch = new ScheduledThreadPoolExecutor(1, task -> {
            Thread thread = new Thread(task, "kloigos-ssh-watch");
            thread.setDaemon(true);
            return thread;
        });
        watch.setRemoveOnCancelPolicy(true);
        watch.setRejectedExecutionHandler((task, pool) -> requireOpen());
        long millis = Math.max(1, settings.idleTimeout().toMillis() / 2);
        var unused = watch.scheduleWithFixedDelay(this::closeIdle, millis, millis, TimeUnit.MILLISECONDS);
    }

    /** Returns the thread that cuts what hangs. */
    ScheduledExecutorService watch() {
        return watch;
    }

    /**
     * Returns a connection with a place taken for one command, to be given back by {@link SshConnection#release}.
     *
     * @throws KloigosException HOST_UNREACHABLE, HOST_KEY_MISMATCH or HOST_LOGIN_REFUSED; SHUTTING_DOWN after close
     */
    SshConnection acquire(HostAddress address) {
        ConnectionKey key = ConnectionKey.of(address, settings);
        Attempt attempt = new Attempt(key, address.hostKey());
        while (true) {
            CompletableFuture<Void> opening;
            boolean mine = false;
            synchronized (this) {
                requireOpen();
                connections.removeIf(connection -> !connection.isAlive());
                for (SshConnection connection : connections) {
                    if (connection.serves(key, address.hostKey()) && connection.reserve()) {
                        return connection;
                    }
                }
                opening = attempts.get(attempt);
                if (opening == null) {
                    opening = new CompletableFuture<>();
                    attempts.put(attempt, opening);
                    mine = true;
                }
            }
            if (mine) {
                return open(address, attempt, opening);
            }
            try {
                opening.join();
            } catch (CompletionException e) {
                if (e.getCause() instanceof KloigosException cause) {
                    throw new KloigosException(cause.code(), String.valueOf(cause.getMessage()), cause);
                }
                throw e;
            }
        }
    }

    private SshConnection open(HostAddress address, Attempt attempt, CompletableFuture<Void> opening) {
        try {
            SshConnection connection = connect(address, attempt);
            synchronized (this) {
                if (isClosed()) {
                    connection.cut();
                    requireOpen();
                }
                connection.reserve();
                connections.add(connection);
            }
            return connection;
        } catch (KloigosException e) {
            opening.completeExceptionally(e);
            throw e;
        } finally {
            synchronized (this) {
                attempts.remove(attempt);
            }
            // After anything else, an error among it, those who wait look for themselves.
            opening.complete(null);
        }
    }

    /**
     * sshd drops connections before a word is said while it reloads its configuration, and when too many log in at once
     * (MaxStartups, sshd_config(5)): neither lasts.
     */
    private SshConnection connect(HostAddress address, Attempt attempt) {
        for (Duration pause : PAUSES_AFTER_A_DROP) {
            try {
                return SshConnection.open(address, attempt.key(), settings, watch);
            } catch (KloigosException e) {
                if (!SshConnection.wasDropped(e)) {
                    throw e;
                }
            }
            try {
                pause(pause);
            } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
                break;
            }
        }
        return SshConnection.open(address, attempt.key(), settings, watch);
    }

    private void requireOpen() {
        if (isClosed()) {
            throw new KloigosException(ErrorCode.SHUTTING_DOWN, "The SSH driver is closed and reaches no host.");
        }
    }

    boolean isClosed() {
        return closed.getCount() == 0;
    }

    /** Waits, but not longer than until the pool is closed. */
    void pause(Duration time) throws InterruptedException {
        if (closed.await(time.toMillis(), TimeUnit.MILLISECONDS)) {
            requireOpen();
        }
    }

    private void closeIdle() {
        List<SshConnection> idle = new ArrayList<>();
        synchronized (this) {
            connections.removeIf(connection -> {
                boolean goes = !connection.isAlive() || connection.isIdleFor(settings.idleTimeout());
                if (goes) {
                    idle.add(connection);
                }
                return goes;
            });
        }
        idle.forEach(SshConnection::close);
    }

    @Override
    public void close() {
        List<SshConnection> all;
        synchronized (this) {
            closed.countDown();
            all = List.copyOf(connections);
            connections.clear();
        }
        for (SshConnection connection : all) {
            if (connection.isIdleFor(Duration.ZERO)) {
                connection.close();
            } else {
                connection.cut();
            }
        }
        watch.shutdownNow();
        try {
            watch.awaitTermination(1, TimeUnit.SECONDS);
            for (SshConnection connection : all) {
                connection.awaitEnd();
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
