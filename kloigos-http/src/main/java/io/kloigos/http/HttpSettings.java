package io.kloigos.http;

import java.util.Objects;

/**
 * Where the HTTP API is offered, and what it tells of servers that have no login of their own.
 *
 * @param host the host name or address to listen on; an IPv6 address without brackets
 * @param port the port to listen on; 0 for any free one
 * @param sshUser the driver's default login
 * @param sshPort the driver's default SSH port
 * @param hosts whether the hosts are real, which the health check and the console tell
 * @param access how it is protected
 */
public record HttpSettings(String host, int port, String sshUser, int sshPort, Hosts hosts, AccessSettings access) {
    /** What the hosts behind the driver are. */
    public enum Hosts {
        /** They exist. */
        REAL,
        /** They are kept in memory, and what is allocated on them is nowhere. */
        SIMULATED
    }

    public HttpSettings {
        Objects.requireNonNull(host);
        Objects.requireNonNull(sshUser);
        Objects.requireNonNull(hosts);
        Objects.requireNonNull(access);
    }

    /** Settings before real hosts. */
    public HttpSettings(String host, int port, String sshUser, int sshPort) {
        this(host, port, sshUser, sshPort, Hosts.REAL, AccessSettings.standard());
    }

    /** Returns these settings before simulated hosts. */
    public HttpSettings withSimulatedHosts() {
        return new HttpSettings(host, port, sshUser, sshPort, Hosts.SIMULATED, access);
    }

    /** Returns these settings with another protection. */
    public HttpSettings with(AccessSettings protection) {
        return new HttpSettings(host, port, sshUser, sshPort, hosts, protection);
    }

    /** Returns the settings for a free port of the loopback interface, and hosts reached as root on port 22. */
    public static HttpSettings loopback() {
        return new HttpSettings("127.0.0.1", 0, "root", 22);
    }
}
