package io.kloigos.driver.ssh;

import io.kloigos.driver.ssh.SshConnection.Exit;
import io.kloigos.driver.ssh.SshConnection.FullException;
import io.kloigos.driver.ssh.SshConnection.LostException;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import java.io.BufferedReader;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/** A session that takes a connection from the pool for each command. */
final class SshSession implements HostSession {
    private static final String PROBE = PlanProgram.resource("probe.sh");
    private static final Duration PROBE_LIMIT = Duration.ofSeconds(60);
    /** How much longer than the host the driver waits before it takes the host for hung. */
    private static final Duration GRACE = Duration.ofSeconds(10);

    private static final Duration FIRST_PAUSE = Duration.ofMillis(200);
    private static final Duration LONGEST_PAUSE = Duration.ofSeconds(5);
    private static final int TIMED_OUT = 124;
    private static final int KILLED = 137;
    private static final int TERMINATED = 143;

    private final HostAddress address;
    private final SshSettings settings;
    private final PlanProgram.Directories directories;
    private final ConnectionPool pool;
    private final ConnectionKey key;
    private boolean closed;

    SshSession(HostAddress address, SshSettings settings, PlanProgram.Directories directories, ConnectionPool pool) {
        this.address = address;
        this.settings = settings;
        this.directories = directories;
        this.pool = pool;
        this.key = ConnectionKey.of(address, settings);
    }

    /** Cuts a connection at a time that may be put off. Used by the session's thread only. */
    private final class Deadline implements AutoCloseable {
        private final SshConnection connection;
        private Future<?> cut;
        private volatile boolean passed;

        Deadline(SshConnection connection, Duration after) {
            this.connection = connection;
            this.cut = schedule(after);
        }

        private Future<?> schedule(Duration after) {
            return pool.watch()
                    .schedule(
                            () -> {
                                passed = true;
                                connection.cut();
                            },
                            after.toMillis(),
                            TimeUnit.MILLISECONDS);
        }

        void putOff(Duration after) {
            cut.cancel(false);
            cut = schedule(after);
        }

        @Override
        public void close() {
            cut.cancel(false);
        }
    }

    /** How a command ended, and on which connection. */
    private record Ran(Exit exit, String fingerprint) {}

    /** What a command printed. */
    private record Answer(Ran ran, ByteArrayOutputStream printed) {
        String text() {
            return printed.toString(StandardCharsets.UTF_8);
        }
    }

    /** The host did not answer in time; the connection was cut. */
    private static final class HungException extends Exception {
        HungException(LostException cause) {
            super(cause);
        }
    }

    /** Takes what a command prints, and may put off its deadline. */
    private interface Printed {
        void accept(InputStream out, Deadline deadline) throws IOException;
    }

    @Override
    public HostFacts facts() {
        String attempted = "read the facts of";
        Answer answer = ask(attempted, "timeout -k 5 " + PROBE_LIMIT.toSeconds() + " sh -s", PROBE, PROBE_LIMIT);
        if (!answer.text().contains("\ndone=1\n")) {
            throw unexpected(attempted, answer.ran().exit(), answer.text());
        }
        return HostFacts.parse(answer.text()).withHostKey(answer.ran().fingerprint());
    }

    @Override
    public List<String> read(List<Reading> readings) {
        String attempted = "read " + readings.size() + " values from";
        PlanProgram program = PlanProgram.reading(readings);
        Answer answer = ask(attempted, program.command(), program.text(), PlanProgram.READ_LIMIT);
        int status = answer.ran().exit().status();
        if (status == TIMED_OUT || status == KILLED) {
            throw new KloigosException(
                    ErrorCode.HOST_TIMEOUT,
                    "Cannot " + attempted + " " + address + " within " + PlanProgram.READ_LIMIT.toSeconds()
                            + " s. Look at what hangs there.");
        }
        return ReadingsText.parse(answer.printed().toString(StandardCharsets.ISO_8859_1), readings.size())
                .orElseThrow(() -> unexpected(attempted, answer.ran().exit(), answer.text()));
    }

    @Override
    public void cancel(String planId) {
        if (!HostPlan.isId(planId)) {
            throw new IllegalArgumentException("no id of a plan: " + planId);
        }
        String attempted = "cancel plan " + planId + " on";
        Answer answer = ask(attempted, PlanProgram.cancel(planId, directories), "", Duration.ZERO);
        if (!answer.text().equals("cancelled\n")) {
            throw unexpected(attempted, answer.ran().exit(), answer.text());
        }
    }

    /** Runs a command that may be repeated, and is once if the connection is lost. */
    private Answer ask(String attempted, String command, String input, Duration limit) {
        requireOpen();
        Duration patience = limit.plus(GRACE);
        for (boolean again = false; ; again = true) {
            ByteArrayOutputStream printed = new ByteArrayOutputStream();
            try {
                Ran ran = run(command, input, patience, (out, deadline) -> out.transferTo(printed));
                return new Answer(ran, printed);
            } catch (HungException e) {
                throw new KloigosException(
                        ErrorCode.HOST_TIMEOUT,
                        "Cannot " + attempted + " " + address + ": it did not answer within " + patience.toSeconds()
                                + " s. Look at the host.",
                        e);
            } catch (LostException e) {
                if (again) {
                    throw new KloigosException(
                            ErrorCode.HOST_UNREACHABLE,
                            "Cannot " + attempted + " " + address + ": " + e.getMessage() + ". Try again.",
                            e);
                }
            }
        }
    }

    @Override
    public PlanReport apply(HostPlan plan, PlanListener listener) {
        requireOpen();
        PlanProgress progress = new PlanProgress(plan, listener);
        PlanProgram program = PlanProgram.of(plan, directories, settings.lockTimeout());
        Duration afterStart = plan.timeLimit().plus(PlanProgram.KILL_DELAY).plus(GRACE);
        Duration untilStart = settings.lockTimeout().plus(afterStart);
        Duration pause = FIRST_PAUSE;
        long giveUpAt = 0;
        boolean patient = false;
        @Nullable Exception lost = null;
        while (true) {
            try {
                boolean[] started = {false};
                Ran ran = run(program.command(), program.text(), untilStart, (out, deadline) -> {
                    BufferedReader lines = new BufferedReader(new InputStreamReader(out, StandardCharsets.UTF_8));
                    for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                        progress.accept(line);
                        if (progress.started() && !started[0]) {
                            started[0] = true;
                            deadline.putOff(afterStart);
                        }
                    }
                });
                if (patient || !progress.busyWith(plan.id())) {
                    return conclude(plan, progress, ran.exit());
                }
                // Whoever sent this plan before is gone, and the host is still at it.
                progress.again();
            } catch (HungException e) {
                throw new KloigosException(
                        ErrorCode.HOST_TIMEOUT,
                        "Plan " + plan.id() + " on " + address + " ran over its limit of "
                                + plan.timeLimit().toSeconds() + " s " + progress.step()
                                + ", and the host neither ended it nor answered. Its outcome is unknown; it is safe to "
                                + "repeat it. Look at the host.",
                        e);
            } catch (LostException e) {
                if (progress.done()) {
                    return progress.report();
                }
                if (lost == null || progress.started()) {
                    giveUpAt = System.nanoTime() + settings.reconnectTimeout().toNanos();
                    pause = FIRST_PAUSE;
                }
                lost = e;
                progress.again();
            } catch (KloigosException e) {
                if (lost == null || e.code() != ErrorCode.HOST_UNREACHABLE) {
                    throw e;
                }
                lost = e;
            }
            if (!patient) {
                // The first run may hold the locks for as long as it may take.
                patient = true;
                program =
                        PlanProgram.of(plan, directories, settings.lockTimeout().plus(plan.timeLimit()));
                untilStart = untilStart.plus(plan.timeLimit());
            }
            if (lost != null) {
                pause = waitToReconnect(plan, progress, lost, pause, giveUpAt);
            }
        }
    }

    private Duration waitToReconnect(
            HostPlan plan, PlanProgress progress, Exception lost, Duration pause, long giveUpAt) {
        boolean interrupted = Thread.currentThread().isInterrupted();
        try {
            if (!interrupted && !pool.isClosed() && System.nanoTime() < giveUpAt) {
                pool.pause(pause);
                Duration next = pause.multipliedBy(2);
                return next.compareTo(LONGEST_PAUSE) < 0 ? next : LONGEST_PAUSE;
            }
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
        } catch (KloigosException e) {
            lost.addSuppressed(e);
        }
        throw new KloigosException(
                ErrorCode.HOST_UNREACHABLE,
                "Lost the connection to " + address + " while it applied plan " + plan.id() + " ("
                        + progress.furthest() + "), and could not learn its outcome: " + lost.getMessage()
                        + ". The host may still be at it; it is safe to repeat the plan.",
                lost);
    }

    private PlanReport conclude(HostPlan plan, PlanProgress progress, Exit exit) {
        if (progress.done()) {
            return progress.report();
        }
        if (progress.busy().isPresent()) {
            String holder = progress.busy().get();
            throw new KloigosException(
                    ErrorCode.HOST_BUSY,
                    "Cannot apply plan " + plan.id() + " on " + address + ": waited "
                            + settings.lockTimeout().toSeconds() + " s for "
                            + (holder.isBlank() ? "another plan" : "plan " + holder) + " to end. Try again later.");
        }
        if (progress.fence().isPresent()) {
            throw new KloigosException(
                    ErrorCode.HOST_FENCED,
                    "Cannot apply plan " + plan.id() + " on " + address + ": its fence is " + plan.fence()
                            + ", and the host has seen " + progress.fence().get()
                            + ": a newer operation has been there. Nothing was done; look at what the inventory says now.");
        }
        if (exit.status() == TIMED_OUT || exit.status() == KILLED || exit.status() == TERMINATED) {
            throw new KloigosException(
                    ErrorCode.HOST_TIMEOUT,
                    "Plan " + plan.id() + " on " + address + " was ended " + progress.step() + ": its limit is "
                            + plan.timeLimit().toSeconds() + " s (exit status " + exit.status()
                            + "). Look at what hangs there; it is safe to repeat the plan.");
        }
        throw unexpected("apply plan " + plan.id() + " on", exit, progress.stray());
    }

    private KloigosException unexpected(String attempted, Exit exit, String printed) {
        String said = exit.errors().isBlank() ? printed.strip() : exit.errors();
        if (!key.isRoot() && exit.errors().contains("sudo:")) {
            return new KloigosException(
                    ErrorCode.HOST_LOGIN_REFUSED,
                    "Cannot " + attempted + " " + address + ": " + key.user() + " may not use sudo without a password: "
                            + said + ". Add \"" + key.user()
                            + " ALL=(ALL) NOPASSWD: ALL\" to the host's sudoers, or log in as "
                            + "root.");
        }
        return new KloigosException(
                ErrorCode.HOST_PROTOCOL,
                "Cannot " + attempted + " " + address + ": the shell exited with " + exit.status()
                        + " and did not say what was expected, but: "
                        + (said.isEmpty() ? "nothing" : said)
                        + ". Check that the login's shell is a POSIX shell that prints nothing, and that the host has "
                        + "flock and timeout.");
    }

    /** Runs a command as root, on a connection that takes it. */
    private Ran run(String command, String input, Duration limit, Printed printed) throws LostException, HungException {
        String whole = key.isRoot() ? command : "sudo -n " + command;
        while (true) {
            SshConnection connection = pool.acquire(address);
            try (Deadline deadline = new Deadline(connection, limit)) {
                try {
                    Exit exit = connection.run(whole, input, out -> printed.accept(out, deadline));
                    return new Ran(exit, connection.fingerprint());
                } catch (LostException e) {
                    if (deadline.passed) {
                        throw new HungException(e);
                    }
                    throw e;
                }
            } catch (FullException e) {
                // The connection remembers how many it takes: the next one comes from elsewhere.
            } finally {
                connection.release();
            }
        }
    }

    private void requireOpen() {
        if (closed) {
            throw new IllegalStateException("the session is closed");
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
