package io.kloigos.spi;

import io.kloigos.model.HostAddress;

/**
 * Reaches hosts. Implementations are safe for use by many threads, and may keep connections between sessions.
 *
 * <p>What every driver must do is written as tests: {@code io.kloigos.testkit.HostDriverContract}.
 */
public interface HostDriver extends AutoCloseable {
    /**
     * Returns a session on the host.
     *
     * @throws io.kloigos.model.KloigosException HOST_UNREACHABLE, HOST_KEY_MISMATCH if {@code address} pins another host
     *     key, HOST_LOGIN_REFUSED, or SHUTTING_DOWN after {@link #close}
     */
    HostSession open(HostAddress address);

    /**
     * Ends every session and releases every connection. What a session is asked from then on throws SHUTTING_DOWN; what it is
     * at may end as usual, or in a code of kind HOST. Closing twice does nothing.
     */
    @Override
    void close();
}
