package io.kloigos.driver.ssh;

import io.kloigos.model.HostAddress;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/**
 * OpenSSH's own sshd on a loopback port, with keys of its own, behind a relay that can lose connections. Logins are those of
 * whoever runs the tests.
 */
final class TestSshd implements AutoCloseable {
    /** What the relay does with the bytes of a connection. */
    interface Fault {
        /** Returns whether the connection is to be lost now, before these bytes of the host are passed on. */
        boolean loses(byte[] bytes, int length);
    }

    private final Path directory;
    private final Process sshd;
    private final ServerSocket relay;
    private final Set<Socket> sockets = ConcurrentHashMap.newKeySet();
    private final AtomicInteger connections = new AtomicInteger();
    private volatile Fault fault = (bytes, length) -> false;
    private volatile boolean refusing;

    private TestSshd(Path directory, Process sshd, ServerSocket relay) {
        this.directory = directory;
        this.sshd = sshd;
        this.relay = relay;
    }

    /** Starts an sshd with host keys of these types. */
    static TestSshd start(Path directory, String... keyTypes) throws Exception {
        Files.createDirectories(directory);
        if (System.getProperty("user.name").equals("root")) {
            // Where root's sshd locks up its part without privileges; nobody else's has one.
            Files.createDirectories(Path.of("/run/sshd"));
        }
        keygen(directory.resolve("login"), "ed25519");
        keygen(directory.resolve("stranger"), "ed25519");
        Files.copy(directory.resolve("login.pub"), directory.resolve("authorized_keys"));
        int port = freePort();
        List<String> config = new ArrayList<>(List.of(
                "Port " + port,
                "ListenAddress 127.0.0.1",
                "PidFile none",
                "UsePAM no",
                "StrictModes no",
                "PermitRootLogin prohibit-password",
                "PasswordAuthentication no",
                "KbdInteractiveAuthentication no",
                "MaxStartups 100",
                "AuthorizedKeysFile " + directory.resolve("authorized_keys")));
        for (String type : keyTypes) {
            keygen(directory.resolve("host_" + type), type);
            config.add("HostKey " + directory.resolve("host_" + type));
        }
        Path file = Files.write(directory.resolve("sshd_config"), config);
        Process sshd = new ProcessBuilder("/usr/sbin/sshd", "-D", "-e", "-f", file.toString())
                .redirectErrorStream(true)
                .redirectOutput(directory.resolve("sshd.log").toFile())
                .start();
        awaitPort(port, sshd, directory);
        TestSshd host = new TestSshd(directory, sshd, new ServerSocket(0, 100, InetAddress.getLoopbackAddress()));
        daemon(() -> host.accept(port));
        return host;
    }

    private static void keygen(Path file, String type) throws Exception {
        new ProcessBuilder("ssh-keygen", "-q", "-t", type, "-N", "", "-f", file.toString())
                .start()
                .waitFor();
    }

    private static int freePort() throws IOException {
        try (ServerSocket socket = new ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }

    private static void awaitPort(int port, Process sshd, Path directory) throws IOException {
        while (true) {
            try (Socket socket = new Socket(InetAddress.getLoopbackAddress(), port)) {
                if (socket.isConnected()) {
                    return;
                }
            } catch (IOException e) {
                if (!sshd.isAlive()) {
                    throw new AssertionError(Files.readString(directory.resolve("sshd.log")), e);
                }
                LockSupport.parkNanos(1_000_000);
            }
        }
    }

    private void accept(int port) {
        while (!relay.isClosed()) {
            try {
                Socket client = relay.accept();
                if (refusing) {
                    client.close();
                    continue;
                }
                connections.incrementAndGet();
                Socket server = new Socket(InetAddress.getLoopbackAddress(), port);
                sockets.add(client);
                sockets.add(server);
                daemon(() -> pass(client, server, false));
                daemon(() -> pass(server, client, true));
            } catch (IOException e) {
                return;
            }
        }
    }

    private void pass(Socket from, Socket to, boolean fromHost) {
        byte[] bytes = new byte[65536];
        try (from;
                to) {
            InputStream in = from.getInputStream();
            OutputStream out = to.getOutputStream();
            for (int length = in.read(bytes); length >= 0; length = in.read(bytes)) {
                if (fromHost && fault.loses(bytes, length)) {
                    return;
                }
                out.write(bytes, 0, length);
            }
        } catch (IOException e) {
            // The other direction closed both, or a test did.
        } finally {
            sockets.remove(from);
            sockets.remove(to);
        }
    }

    private static void daemon(Runnable task) {
        Thread thread = new Thread(task, "test-relay");
        thread.setDaemon(true);
        thread.start();
    }

    /** Loses every connection there is. */
    void cutAll() {
        for (Socket socket : sockets) {
            try {
                socket.close();
            } catch (IOException e) {
                throw new UncheckedIOException(e);
            }
        }
    }

    void fault(Fault injected) {
        fault = injected;
    }

    /** From now on, new connections are closed at once, or no more. */
    void refuse(boolean refuse) {
        refusing = refuse;
    }

    /** Returns how many connections there were. */
    int connections() {
        return connections.get();
    }

    HostAddress address() {
        return new HostAddress("host1", "127.0.0.1", relay.getLocalPort(), System.getProperty("user.name"), null);
    }

    SshSettings settings() {
        return SshSettings.withKey(directory.resolve("login"))
                .withLockTimeout(Duration.ofSeconds(1))
                .withConnectionTimes(
                        Duration.ofSeconds(10), Duration.ofSeconds(5), Duration.ofMinutes(1), Duration.ofMinutes(1));
    }

    Path strangersKey() {
        return directory.resolve("stranger");
    }

    /** Returns a host key as OpenSSH prints its fingerprint. */
    String fingerprint(String type) throws Exception {
        Process process = new ProcessBuilder(
                        "ssh-keygen",
                        "-l",
                        "-f",
                        directory.resolve("host_" + type + ".pub").toString())
                .start();
        return new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8).split(" ", 3)[1];
    }

    /** Returns a known_hosts file with this host's key of one type, or somebody else's. */
    Path knownHosts(String keyFile) throws IOException {
        String key = Files.readString(directory.resolve(keyFile + ".pub"));
        return Files.writeString(
                directory.resolve("known_" + keyFile), "[127.0.0.1]:" + relay.getLocalPort() + " " + key);
    }

    @Override
    public void close() throws IOException {
        relay.close();
        cutAll();
        sshd.destroy();
        sshd.onExit().join();
    }
}
