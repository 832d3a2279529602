package io.kloigos.model;

import org.jspecify.annotations.Nullable;

/**
 * What a tenant must know of a server, beside its address, to log in to a unit on it.
 *
 * @param port the SSH port; null for the driver's default
 * @param hostKey the pinned host key as OpenSSH prints its fingerprint, {@code SHA256:...}; null if none is known
 */
public record SshEndpoint(@Nullable Integer port, @Nullable String hostKey) {
    /** Of a server of which nothing is known. */
    public static final SshEndpoint UNKNOWN = new SshEndpoint(null, null);

    /** Returns the SSH port, where {@code otherwise} is the driver's default. */
    public int portOr(int otherwise) {
        return port == null ? otherwise : port;
    }
}
