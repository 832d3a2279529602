package io.kloigos.driver.ssh;

import com.hierynomus.sshj.key.KeyAlgorithm;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.Future;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.stream.Stream;
import net.schmizz.keepalive.KeepAliveProvider;
import net.schmizz.keepalive.KeepAliveRunner;
import net.schmizz.sshj.DefaultConfig;
import net.schmizz.sshj.SSHClient;
import net.schmizz.sshj.common.Factory;
import net.schmizz.sshj.connection.channel.OpenFailException;
import net.schmizz.sshj.connection.channel.direct.Session;
import net.schmizz.sshj.connection.channel.direct.Signal;
import net.schmizz.sshj.transport.TransportException;
import net.schmizz.sshj.userauth.UserAuthException;
import net.schmizz.sshj.userauth.keyprovider.KeyProvider;
import org.jspecify.annotations.Nullable;

/** A connection to one host, shared by as many commands as the settings allow. Safe for use by many threads. */
final class SshConnection {
    /** The connection ended before the command did; what became of the command is unknown. */
    static final class LostException extends Exception {
        LostException(String message, @Nullable Throwable cause) {
            super(message, cause);
        }
    }

    /** The host lets no further command share this connection. */
    static final class FullException extends Exception {
        FullException(Throwable cause) {
            super(cause);
        }
    }

    /**
     * How a command ended.
     *
     * @param status its exit status; 128 and the signal's number if a signal ended it
     * @param errors what it printed on standard error, at most {@value #MAX_ERRORS} characters
     */
    record Exit(int status, String errors) {}

    private static final int MAX_ERRORS = 4096;
    private static final Duration LAST_WORDS = Duration.ofSeconds(5);

    private final HostAddress address;
    private final ConnectionKey key;
    private final SSHClient client;
    private final List<Thread> threads;
    private final String fingerprint;
    private int capacity;
    private int used;
    private long unusedSince = System.nanoTime();

    private SshConnection(
            HostAddress address,
            ConnectionKey key,
            SSHClient client,
            List<Thread> threads,
            String fingerprint,
            int capacity) {
        this.address = address;
        this.key = key;
        this.client = client;
        this.threads = threads;
        this.fingerprint = fingerprint;
        this.capacity = capacity;
    }

    /**
     * Connects and logs in.
     *
     * @param watch cuts connections that hang
     * @throws KloigosException HOST_UNREACHABLE, HOST_KEY_MISMATCH or HOST_LOGIN_REFUSED
     */
    static SshConnection open(
            HostAddress address, ConnectionKey key, SshSettings settings, ScheduledExecutorService watch) {
        HostKeyPolicy policy = new HostKeyPolicy(address, key.port(), settings.knownHosts());
        while (true) {
            DefaultConfig config = new DefaultConfig();
            List<Factory.Named<KeyAlgorithm>> all = config.getKeyAlgorithms();
            List<Factory.Named<KeyAlgorithm>> algorithms = policy.remaining(all);
            if (algorithms.isEmpty()) {
                throw policy.mismatch(null);
            }
            config.setKeyAlgorithms(algorithms);
            config.setKeepAliveProvider(KeepAliveProvider.KEEP_ALIVE);
            SSHClient client = new SSHClient(config);
            client.addHostKeyVerifier(policy);
            Future<?> timeout = null;
            boolean open = false;
            try {
                int millis = (int) settings.connectTimeout().toMillis();
                client.setConnectTimeout(millis);
                client.getTransport().setTimeoutMs(millis);
                client.getConnection().setTimeoutMs(millis);
                KeepAliveRunner keepAlive =
                        (KeepAliveRunner) client.getConnection().getKeepAlive();
                keepAlive.setDaemon(true);
                keepAlive.setMaxAliveCount(SshSettings.MISSED_KEEP_ALIVES);
                keepAlive.setKeepAliveInterval(
                        (int) Math.max(1, settings.keepAlive().toSeconds()));
                // The first words of the two sides are exchanged without any time limit of sshj's.
                timeout = watch.schedule(() -> cut(client), 3L * millis, TimeUnit.MILLISECONDS);
                whileConnected(() -> client.connect(address.ip(), key.port()));
                // The same list is for the login's key too. The host's own keeps its place for later exchanges.
                config.setKeyAlgorithms(Stream.concat(algorithms.stream(), all.stream())
                        .distinct()
                        .toList());
                KeyProvider login = client.loadKeys(settings.privateKey().toString());
                login.getPrivate();
                whileConnected(() -> client.authPublickey(key.user(), login));
                keepAlive.setName("kloigos-ssh-alive-" + address.hostname());
                open = true;
                return new SshConnection(
                        address,
                        key,
                        client,
                        List.of(keepAlive, policy.reader()),
                        policy.fingerprint(),
                        settings.maxSessionsPerConnection());
            } catch (IOException e) {
                if (policy.takeRefusal()) {
                    continue;
                }
                if (policy.hasOnlyRefused()) {
                    // No further type of key in common with the host.
                    throw policy.mismatch(e);
                }
                if (!isTimeout(e) && (e instanceof UserAuthException || client.isConnected())) {
                    throw loginRefused(address, key, settings, e);
                }
                throw new KloigosException(
                        ErrorCode.HOST_UNREACHABLE,
                        "Cannot connect to " + address + " port " + key.port() + ": " + said(e)
                                + ". Check that the host is up, and that sshd listens there.",
                        e);
            } finally {
                if (timeout != null) {
                    timeout.cancel(false);
                }
                if (!open) {
                    cut(client);
                }
            }
        }
    }

    /** What needs the connection that is being made. */
    private interface Attempt {
        void run() throws IOException;
    }

    /** Where sshj looks before it writes, and finds the connection ended, it says so as of a mistake of the caller's. */
    private static void whileConnected(Attempt attempt) throws IOException {
        try {
            attempt.run();
        } catch (IllegalStateException e) {
            throw new TransportException("the connection ended before the login did: " + said(e), e);
        }
    }

    private static KloigosException loginRefused(
            HostAddress address, ConnectionKey key, SshSettings settings, IOException e) {
        return new KloigosException(
                ErrorCode.HOST_LOGIN_REFUSED,
                "Cannot log in to " + address + " port " + key.port() + " as " + key.user() + " with the key "
                        + settings.privateKey() + ": " + said(e) + ". Check that the file is a private key without "
                        + "passphrase, and add its public half to " + key.user() + "'s authorized_keys on the host.",
                e);
    }

    /** Tells whether the host took the connection and then ended it before anybody was logged in or refused. */
    static boolean wasDropped(KloigosException failure) {
        return failure.code() == ErrorCode.HOST_UNREACHABLE
                && failure.getCause() instanceof TransportException
                && !isTimeout(failure);
    }

    private static boolean isTimeout(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof TimeoutException) {
                return true;
            }
        }
        return false;
    }

    private static String said(Throwable e) {
        String message = e.getMessage();
        return message == null ? e.getClass().getSimpleName() : message;
    }

    /** Returns the host key under which the host was reached. */
    String fingerprint() {
        return fingerprint;
    }

    /** Tells whether the host is this, reached in this way, and showed the key that {@code pin} names, if any. */
    boolean serves(ConnectionKey wanted, @Nullable String pin) {
        return key.equals(wanted) && (pin == null || pin.equals(fingerprint));
    }

    boolean isAlive() {
        return client.isConnected() && client.isAuthenticated();
    }

    /** Takes a place for one command; false if there is none. */
    synchronized boolean reserve() {
        if (!isAlive() || used >= capacity) {
            return false;
        }
        used++;
        return true;
    }

    /** Gives a place back. */
    synchronized void release() {
        used--;
        unusedSince = System.nanoTime();
    }

    synchronized boolean isIdleFor(Duration time) {
        return used == 0 && System.nanoTime() - unusedSince >= time.toNanos();
    }

    private synchronized void shrink() {
        capacity = Math.max(1, used - 1);
    }

    private synchronized boolean isShared() {
        return used > 1;
    }

    /** Ends the connection at once, without a word to the host, and every command that shares it. */
    void cut() {
        cut(client);
    }

    private static void cut(SSHClient client) {
        try {
            client.getConnection().getKeepAlive().interrupt();
            Socket socket = client.getSocket();
            if (socket != null) {
                socket.close();
            }
            client.disconnect();
        } catch (IOException e) {
            // It is gone, which is what was wanted.
        }
    }

    /** Ends the connection as the protocol wants it. */
    void close() {
        try {
            client.disconnect();
        } catch (IOException e) {
            cut();
        }
    }

    /** Waits until the connection's threads ended, which they do soon after it. */
    void awaitEnd() throws InterruptedException {
        for (Thread thread : threads) {
            thread.join(LAST_WORDS.toMillis());
        }
    }

    /** Takes what a command prints, up to its end. */
    interface Printed {
        void accept(InputStream out) throws IOException;
    }

    /**
     * Runs a command to its end.
     *
     * @param input what it reads
     * @param printed given what it prints
     * @throws FullException if the host does not let it share this connection; nothing was run
     * @throws LostException if the connection ended, and nobody knows how far the command came
     */
    Exit run(String command, String input, Printed printed) throws FullException, LostException {
        boolean ended = false;
        try {
            Session session = startSession();
            Session.Command running = session.exec(command);
            send(running, input);
            printed.accept(running.getInputStream());
            String errors = new String(running.getErrorStream().readNBytes(MAX_ERRORS), StandardCharsets.UTF_8);
            running.join(LAST_WORDS.toMillis(), TimeUnit.MILLISECONDS);
            Integer status = running.getExitStatus();
            Signal signal = running.getExitSignal();
            if (status == null && signal == null) {
                throw new LostException(address + " closed the channel without an exit status", null);
            }
            ended = true;
            return new Exit(status != null ? status : signal == Signal.KILL ? 137 : 143, errors.strip());
        } catch (OpenFailException e) {
            if (!isShared()) {
                throw new LostException(address + " opens no session: " + said(e), e);
            }
            shrink();
            ended = true;
            throw new FullException(e);
        } catch (IOException e) {
            throw new LostException("The connection to " + address + " was lost: " + said(e), e);
        } finally {
            if (!ended) {
                cut();
            }
        }
    }

    private Session startSession() throws IOException, LostException {
        try {
            return client.startSession();
        } catch (IllegalStateException e) {
            // The connection ended after it was last looked at.
            throw new LostException("The connection to " + address + " was lost: " + said(e), e);
        }
    }

    private static void send(Session.Command running, String input) throws IOException {
        try (OutputStream in = running.getOutputStream()) {
            in.write(input.getBytes(StandardCharsets.UTF_8));
        } catch (IOException e) {
            if (running.isOpen()) {
                throw e;
            }
            // The command ended before it read everything, as sudo does when it refuses: what it said is read next.
        }
    }
}
