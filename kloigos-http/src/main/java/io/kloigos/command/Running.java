package io.kloigos.command;

import io.kloigos.Kloigos;
import io.kloigos.http.HttpServer;
import io.kloigos.http.HttpSettings;
import java.time.Duration;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;

/** What goes on until the process is told to end, and how it ends then. Thread-safe. */
final class Running {
    private static final Logger LOG = LoggerFactory.getLogger(Running.class);

    private final Kloigos kloigos;
    private final Runnable last;
    private @Nullable HttpServer server;
    private Duration shutdownDelay = Duration.ZERO;

    private Running(Kloigos kloigos, Runnable last) {
        this.kloigos = kloigos;
        this.last = last;
    }

    /**
     * From now on the end of the process, for whatever reason, closes {@code kloigos}.
     *
     * @param last is run after that
     */
    static Running begin(Kloigos kloigos, Runnable last) {
        Running running = new Running(kloigos, last);
        Runtime.getRuntime().addShutdownHook(new Thread(running::stop, "kloigos-stop"));
        return running;
    }

    /**
     * Offers it over HTTP, and returns the port.
     *
     * @param delay how long requests are answered after the process was told to end
     */
    synchronized int listen(HttpSettings settings, Duration delay) {
        shutdownDelay = delay;
        HttpServer started = HttpServer.start(kloigos, settings);
        server = started;
        return started.port();
    }

    /** A server that was told to stop ends with 0, where the JVM would tell of the signal by 143 or 130. */
    private synchronized void stop() {
        HttpServer started = server;
        if (started == null) {
            kloigos.close();
            last.run();
            return;
        }
        LOG.info("Stopping");
        started.withdraw();
        pause();
        started.drain();
        kloigos.close();
        started.close();
        last.run();
        Runtime.getRuntime().halt(CommandLine.ExitCode.OK);
    }

    /** Gives load balancers the time to see that no more is taken here. */
    private void pause() {
        try {
            Thread.sleep(shutdownDelay.toMillis());
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        }
    }
}
