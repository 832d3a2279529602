package io.kloigos.driver.ssh;

import com.hierynomus.sshj.key.KeyAlgorithm;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Sha256;
import java.io.IOException;
import java.io.Reader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.PublicKey;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import net.schmizz.sshj.common.Buffer;
import net.schmizz.sshj.common.Factory;
import net.schmizz.sshj.common.KeyType;
import net.schmizz.sshj.transport.verification.HostKeyVerifier;
import net.schmizz.sshj.transport.verification.OpenSSHKnownHosts;
import org.jspecify.annotations.Nullable;

/**
 * Which host keys are accepted from one host during one attempt to reach it: the pinned one; else those of known_hosts; else
 * any. A server has keys of several types and shows only one per handshake. One that is not accepted is remembered, so that
 * the next handshake asks for another type.
 */
final class HostKeyPolicy implements HostKeyVerifier {
    private final HostAddress address;
    private final int port;
    private final List<OpenSSHKnownHosts.KnownHostEntry> known;
    private final Set<KeyType> refusedTypes = new LinkedHashSet<>();
    private final Set<String> refusedKeys = new LinkedHashSet<>();
    private volatile String fingerprint = "";
    private volatile boolean accepted;
    private volatile boolean refused;
    private volatile Thread reader = Thread.currentThread();

    HostKeyPolicy(HostAddress address, int port, @Nullable Path knownHosts) {
        this.address = address;
        this.port = port;
        this.known = address.hostKey() != null || knownHosts == null ? List.of() : entries(address, port, knownHosts);
    }

    private static List<OpenSSHKnownHosts.KnownHostEntry> entries(HostAddress address, int port, Path file) {
        List<OpenSSHKnownHosts.KnownHostEntry> entries = new ArrayList<>();
        if (Files.exists(file)) {
            try (Reader reader = Files.newBufferedReader(file)) {
                for (OpenSSHKnownHosts.KnownHostEntry entry : new OpenSSHKnownHosts(reader).entries()) {
                    if (entry.appliesTo(written(address.ip(), port))
                            || entry.appliesTo(written(address.hostname(), port))) {
                        entries.add(entry);
                    }
                }
            } catch (IOException e) {
                throw new KloigosException(
                        ErrorCode.HOST_KEY_MISMATCH,
                        "Cannot check the host key of " + address + ": cannot read " + file + ": " + e,
                        e);
            }
        }
        return entries;
    }

    private static String written(String host, int port) {
        return port == 22 ? host : "[" + host + "]:" + port;
    }

    /** Runs on the thread that reads the connection, which it names. */
    @Override
    public boolean verify(String hostname, int remotePort, PublicKey key) {
        reader = Thread.currentThread();
        reader.setName("kloigos-ssh-reader-" + address.hostname());
        fingerprint = fingerprint(key);
        if (accepts(key)) {
            accepted = true;
            return true;
        }
        refused = true;
        refusedTypes.add(KeyType.fromKey(key));
        refusedKeys.add(fingerprint);
        return false;
    }

    private boolean accepts(PublicKey key) {
        if (address.hostKey() != null) {
            return address.hostKey().equals(fingerprint);
        }
        if (known.isEmpty()) {
            return true;
        }
        for (OpenSSHKnownHosts.KnownHostEntry entry : known) {
            try {
                if (entry.verify(key)) {
                    return true;
                }
            } catch (IOException e) {
                return false;
            }
        }
        return false;
    }

    /** Has no say: {@link #remaining} chooses the algorithms. */
    @Override
    public List<String> findExistingAlgorithms(String hostname, int remotePort) {
        return List.of();
    }

    /** Returns those of {@code algorithms} whose keys were not refused yet, never certificates. */
    List<Factory.Named<KeyAlgorithm>> remaining(List<Factory.Named<KeyAlgorithm>> algorithms) {
        return algorithms.stream()
                .filter(algorithm -> !algorithm.getName().contains("cert"))
                .filter(algorithm -> !refusedTypes.contains(algorithm.create().getKeyFormat()))
                .toList();
    }

    /** Tells whether the last handshake ended because of its key, and forgets it. */
    boolean takeRefusal() {
        boolean was = refused;
        refused = false;
        return was;
    }

    /** Tells whether the host showed keys, none of which was accepted. */
    boolean hasOnlyRefused() {
        return !accepted && !refusedKeys.isEmpty();
    }

    /** Returns the key of the last handshake, as OpenSSH prints it. */
    String fingerprint() {
        return fingerprint;
    }

    /** Returns the thread that reads the connection, once a key was shown. */
    Thread reader() {
        return reader;
    }

    KloigosException mismatch(@Nullable Throwable cause) {
        String wanted = address.hostKey() != null
                ? "the pinned key is " + address.hostKey()
                : "known_hosts has other keys for it";
        return new KloigosException(
                ErrorCode.HOST_KEY_MISMATCH,
                "Will not talk to " + address + " port " + port + ": it shows the host key "
                        + String.join(" and ", refusedKeys) + ", but " + wanted
                        + ". If the host was installed anew, pin its new key; if not, somebody may be in between.",
                cause);
    }

    private static String fingerprint(PublicKey key) {
        return Sha256.of(new Buffer.PlainBuffer().putPublicKey(key).getCompactData())
                .fingerprint();
    }
}
