package io.kloigos.driver.local;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostSession;
import java.nio.file.Path;
import java.time.Duration;
import java.util.function.IntSupplier;
import jnr.posix.POSIX;
import jnr.posix.POSIXFactory;

/**
 * Applies plans to the machine it runs on, whatever the address says. Needs root.
 *
 * <p>System tools are run as argument vectors, identity, ownership, modes, signals and locks go through jnr-posix. The locks
 * are those that {@code kloigos-driver-ssh} takes on a host, so a control plane elsewhere and this one keep out of each
 * other's way.
 */
public final class LocalHostDriver implements HostDriver {
    private static final Path DIRECTORY = Path.of("/run/kloigos");
    private static final Path FENCES = Path.of("/var/lib/kloigos/fences");
    private static final Duration LOCK_TIMEOUT = Duration.ofSeconds(60);

    private final POSIX posix = POSIXFactory.getNativePOSIX();
    private final Path directory;
    private final Path fences;
    private final IntSupplier effectiveUid;
    private volatile boolean closed;

    /** A driver that keeps locks and outcomes in {@code /run/kloigos}, and fences in {@code /var/lib/kloigos/fences}. */
    public LocalHostDriver() {
        this.directory = DIRECTORY;
        this.fences = FENCES;
        this.effectiveUid = posix::geteuid;
    }

    /** A driver that keeps all this in {@code directory}, apart from those who use another one. */
    public LocalHostDriver(Path directory) {
        this.directory = directory.toAbsolutePath();
        this.fences = this.directory.resolve("fences");
        this.effectiveUid = posix::geteuid;
    }

    LocalHostDriver(Path directory, IntSupplier effectiveUid) {
        this.directory = directory.toAbsolutePath();
        this.fences = this.directory.resolve("fences");
        this.effectiveUid = effectiveUid;
    }

    @Override
    public HostSession open(HostAddress address) {
        requireOpen();
        int uid = effectiveUid.getAsInt();
        if (uid != 0) {
            throw new KloigosException(
                    ErrorCode.HOST_LOGIN_REFUSED,
                    "Cannot manage this machine as " + address + ": this program runs with uid " + uid
                            + ", not as root. Start it as root, or use the SSH driver.");
        }
        String pinned = address.hostKey();
        if (pinned != null && !pinned.isEmpty()) {
            throw new KloigosException(
                    ErrorCode.HOST_KEY_MISMATCH,
                    "Cannot take this machine for " + address + ": the host key " + pinned
                            + " is pinned, but the local driver knows no keys. Use the SSH driver, or pin none.");
        }
        return new LocalSession(this, address, posix, new PlanStore(posix, directory, fences), LOCK_TIMEOUT);
    }

    void requireOpen() {
        if (closed) {
            throw new KloigosException(ErrorCode.SHUTTING_DOWN, "The local driver is closed and reaches no host.");
        }
    }

    @Override
    public void close() {
        closed = true;
    }
}
