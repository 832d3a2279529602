package io.kloigos.driver.ssh;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * How hosts are reached over SSH. A value; the {@code with} methods return changed copies.
 *
 * @param privateKey the private key in OpenSSH or PEM format, without passphrase; read at each connection
 * @param knownHosts OpenSSH's known_hosts file, read at each connection; null for none. A host that is not in it is trusted
 *     at first contact
 * @param defaultUser the login where the address names none
 * @param defaultPort the port where the address names none
 * @param connectTimeout how long TCP may take to connect, and then half of what the SSH handshake may take
 * @param keepAlive how often the host is asked whether it is there; after {@value #MISSED_KEEP_ALIVES} unanswered
 *     questions the connection is lost
 * @param idleTimeout after this without use a connection is closed
 * @param maxSessionsPerConnection how many commands share a connection; one more opens another connection. Not more than
 *     MaxSessions of the hosts' sshd_config, 10 by default
 * @param lockTimeout how long a plan waits for the plans that hold its locks
 * @param reconnectTimeout how long a host is tried again after its connection was lost in the middle of a plan
 */
public record SshSettings(
        Path privateKey,
        @Nullable Path knownHosts,
        String defaultUser,
        int defaultPort,
        Duration connectTimeout,
        Duration keepAlive,
        Duration idleTimeout,
        int maxSessionsPerConnection,
        Duration lockTimeout,
        Duration reconnectTimeout) {
    static final int MISSED_KEEP_ALIVES = 3;

    public SshSettings {
        Objects.requireNonNull(privateKey);
        Objects.requireNonNull(defaultUser);
        requirePositive("connectTimeout", connectTimeout);
        requirePositive("keepAlive", keepAlive);
        requirePositive("idleTimeout", idleTimeout);
        requirePositive("lockTimeout", lockTimeout);
        requirePositive("reconnectTimeout", reconnectTimeout);
        if (defaultPort < 1 || defaultPort > 65535) {
            throw new IllegalArgumentException("defaultPort is 1 to 65535: " + defaultPort);
        }
        if (maxSessionsPerConnection < 1) {
            throw new IllegalArgumentException("maxSessionsPerConnection is at least 1: " + maxSessionsPerConnection);
        }
    }

    private static void requirePositive(String name, Duration value) {
        if (value.isNegative() || value.isZero()) {
            throw new IllegalArgumentException(name + " is above zero: " + value);
        }
    }

    /** Returns the settings for root on port 22, without a known_hosts file. */
    public static SshSettings withKey(Path privateKey) {
        return new SshSettings(
                privateKey,
                null,
                "root",
                22,
                Duration.ofSeconds(10),
                Duration.ofSeconds(5),
                Duration.ofMinutes(5),
                8,
                Duration.ofSeconds(120),
                Duration.ofSeconds(60));
    }

    /** Returns these settings with a known_hosts file. */
    public SshSettings withKnownHosts(Path file) {
        return new SshSettings(
                privateKey,
                file,
                defaultUser,
                defaultPort,
                connectTimeout,
                keepAlive,
                idleTimeout,
                maxSessionsPerConnection,
                lockTimeout,
                reconnectTimeout);
    }

    /** Returns these settings with another login and port for addresses that name none. */
    public SshSettings withDefaults(String user, int port) {
        return new SshSettings(
                privateKey,
                knownHosts,
                user,
                port,
                connectTimeout,
                keepAlive,
                idleTimeout,
                maxSessionsPerConnection,
                lockTimeout,
                reconnectTimeout);
    }

    /** Returns these settings with other times for connections. */
    public SshSettings withConnectionTimes(Duration connect, Duration alive, Duration idle, Duration reconnect) {
        return new SshSettings(
                privateKey,
                knownHosts,
                defaultUser,
                defaultPort,
                connect,
                alive,
                idle,
                maxSessionsPerConnection,
                lockTimeout,
                reconnect);
    }

    /** Returns these settings with another time to wait for locks. */
    public SshSettings withLockTimeout(Duration timeout) {
        return new SshSettings(
                privateKey,
                knownHosts,
                defaultUser,
                defaultPort,
                connectTimeout,
                keepAlive,
                idleTimeout,
                maxSessionsPerConnection,
                timeout,
                reconnectTimeout);
    }
}
