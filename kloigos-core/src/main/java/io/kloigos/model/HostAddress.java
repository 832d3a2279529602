package io.kloigos.model;

import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.Objects;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * How a host is reached.
 *
 * @param hostname the name under which Kloigos manages the host
 * @param ip an IPv4 or IPv6 literal
 * @param sshPort the SSH port, 1 to 65535; null means the driver's default
 * @param sshUser the login, root or one who may {@code sudo -n}; null means the driver's default
 * @param hostKey the pinned host key as OpenSSH prints its fingerprint, {@code SHA256:...}; null before the first contact
 */
public record HostAddress(
        String hostname,
        String ip,
        @Nullable Integer sshPort,
        @Nullable String sshUser,
        @Nullable String hostKey) {
    // Without leading zeros, which some programs read as octal.
    private static final String OCTET = "(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)";
    private static final Pattern IPV4 = Pattern.compile("(?:" + OCTET + "\\.){3}" + OCTET);
    private static final Pattern IPV6 = Pattern.compile("[0-9A-Fa-f:][0-9A-Fa-f:.]{1,44}");

    public HostAddress {
        Objects.requireNonNull(hostname);
        Objects.requireNonNull(ip);
        Faults faults = new Faults();
        faults.attempt(
                () -> {
                    Names.requireHostname(hostname);
                    return hostname;
                },
                "hostname");
        if (!isLiteral(ip)) {
            String shown = ip.length() <= 60 ? ip : ip.substring(0, 60) + "...";
            faults.add("ip", "\"" + shown + "\" is not an IPv4 or IPv6 address", "ip");
        }
        if (sshPort != null && (sshPort < 1 || sshPort > 65535)) {
            faults.add("ssh_port", sshPort + " is not a port: 1 to 65535", "ssh_port");
        }
        if (sshUser != null) {
            faults.attempt(
                    () -> {
                        Names.requireSshUser(sshUser);
                        return sshUser;
                    },
                    "ssh_user");
        }
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot use this host address");
    }

    private static boolean isLiteral(String ip) {
        if (IPV4.matcher(ip).matches()) {
            return true;
        }
        // Only what begins with a hexadecimal digit or a colon reaches the parser, so that it never asks a name server.
        if (!IPV6.matcher(ip).matches() || !ip.contains(":")) {
            return false;
        }
        try {
            return InetAddress.getByName(ip).getHostAddress() != null;
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** Returns this address with {@code hostKey} pinned. */
    public HostAddress pinned(@Nullable String key) {
        return new HostAddress(hostname, ip, sshPort, sshUser, key);
    }

    /** Returns {@code hostname (ip)}. */
    @Override
    public String toString() {
        return hostname + " (" + ip + ")";
    }
}
