package io.kloigos.driver.ssh;

import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostSession;

/**
 * Applies plans over SSH, each as one shell program in one exec. Hosts need a POSIX shell, coreutils, util-linux and procps;
 * nothing is installed on them. Their locks and the outcomes of their plans are in {@code /run/kloigos}, the fences
 * that they have seen in {@code /var/lib/kloigos/fences}.
 *
 * <p>Connections are kept between sessions and shared: at most
 * {@link SshSettings#maxSessionsPerConnection} commands at a time use one, further ones open another. A connection is given
 * up when it is idle for {@link SshSettings#idleTimeout} or the host stops answering.
 *
 * <p>A host's key must be the one that the address pins; else one that known_hosts has for the host's ip or name; a host that
 * is in neither is trusted, and its key told in its facts.
 *
 * <p>Safe for use by many threads.
 */
public final class SshHostDriver implements HostDriver {
    private final SshSettings settings;
    private final PlanProgram.Directories directories;
    private final ConnectionPool pool;

    /** A driver that connects as {@code settings} say. */
    public SshHostDriver(SshSettings settings) {
        this(settings, PlanProgram.Directories.USUAL);
    }

    SshHostDriver(SshSettings settings, PlanProgram.Directories directories) {
        this.settings = settings;
        this.directories = directories;
        this.pool = new ConnectionPool(settings);
    }

    @Override
    public HostSession open(HostAddress address) {
        SshSession session = new SshSession(address, settings, directories, pool);
        pool.acquire(address).release();
        return session;
    }

    /** Cuts every connection. What runs on a host runs to its end there. Closing twice does nothing. */
    @Override
    public void close() {
        pool.close();
    }
}
