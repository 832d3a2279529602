package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.model.KloigosException;
import io.kloigos.rules.Bases;
import io.kloigos.spi.HostDriver;
import java.nio.file.Path;
import java.time.Duration;
import java.time.InstantSource;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.ThreadFactory;
import java.util.function.Supplier;
import javax.sql.DataSource;
import org.jspecify.annotations.Nullable;

/** Settings of a {@link Kloigos}. Not safe for several threads. */
public final class KloigosBuilder {
    private static final Duration LEAST_KEPT = Duration.ofHours(24);
    private static final Duration LEAST_AUDIT_KEPT = Duration.ofDays(1);
    private static final Duration SHORTEST_LEASE = Duration.ofSeconds(1);
    private static final Duration SHORTEST_DRIFT_CHECK = Duration.ofSeconds(1);

    private @Nullable HostDriver driver;
    private Path database = Path.of("kloigos.db");
    private @Nullable DataSource shared;
    InstantSource clock = InstantSource.system();
    Supplier<String> ids = () -> UUID.randomUUID().toString();
    Bases bases = Bases.defaults();
    Duration kept = Duration.ofDays(7);
    Duration auditKept = Duration.ofDays(400);
    private @Nullable Duration driftChecks = Duration.ofMinutes(10);
    private DriftPolicy driftPolicy = DriftPolicy.REPORT;
    Duration lease = Duration.ofSeconds(20);
    Duration expiryNotice = Duration.ofHours(1);
    ThreadFactory threads = KloigosBuilder::daemon;

    KloigosBuilder() {}

    /** Sets how hosts are reached. The driver is closed with the Kloigos. */
    public KloigosBuilder driver(HostDriver hostDriver) {
        this.driver = hostDriver;
        return this;
    }

    /**
     * Sets the SQLite database file; without this, {@code kloigos.db} in the working directory. One Kloigos at a time can
     * have it open.
     */
    public KloigosBuilder database(Path file) {
        this.database = file;
        this.shared = null;
        return this;
    }

    /**
     * Sets a PostgreSQL database, which many replicas may share; each operation is run by one of them, and taken over by
     * another if that one dies. The data source should be a pool of at least four connections, and needs {@code
     * org.postgresql:postgresql} and {@code org.flywaydb:flyway-database-postgresql} at run time. It is not closed with
     * the Kloigos.
     */
    public KloigosBuilder database(DataSource source) {
        this.shared = source;
        return this;
    }

    /**
     * Sets how long operations, their steps and idempotency keys are kept after the end; without this, 7 days.
     *
     * @throws IllegalArgumentException if it is less than 24 hours
     */
    public KloigosBuilder keepOperations(Duration duration) {
        if (duration.compareTo(LEAST_KEPT) < 0) {
            throw new IllegalArgumentException("operations are kept for 24 hours at least, not " + duration);
        }
        this.kept = duration;
        return this;
    }

    /**
     * Sets how long the audit log is kept; without this, 400 days.
     *
     * @throws IllegalArgumentException if it is less than a day
     */
    public KloigosBuilder keepAuditLog(Duration duration) {
        if (duration.compareTo(LEAST_AUDIT_KEPT) < 0) {
            throw new IllegalArgumentException("the audit log is kept for a day at least, not " + duration);
        }
        this.auditKept = duration;
        return this;
    }

    /**
     * Sets after how long without a sign of life the operations of a replica are taken over by another; without this, 20
     * seconds. It must be longer than the longest pause of a process or of the database.
     *
     * @throws IllegalArgumentException if it is less than a second
     */
    public KloigosBuilder lease(Duration duration) {
        if (duration.compareTo(SHORTEST_LEASE) < 0) {
            throw new IllegalArgumentException("a lease lasts a second at least, not " + duration);
        }
        this.lease = duration;
        return this;
    }

    /**
     * Sets how long before a unit expires listeners are told; without this, an hour.
     *
     * @throws IllegalArgumentException if it is negative
     */
    public KloigosBuilder expiryNotice(Duration duration) {
        if (duration.isNegative()) {
            throw new IllegalArgumentException("notice is given before the end, not " + duration);
        }
        this.expiryNotice = duration;
        return this;
    }

    /**
     * Sets how often each ready server is looked at for drift, and what is done about it; without this, every ten
     * minutes, and it is reported. Of several replicas one looks.
     *
     * @throws IllegalArgumentException if it is less than a second
     */
    public KloigosBuilder checkDrift(Duration every, DriftPolicy policy) {
        if (every.compareTo(SHORTEST_DRIFT_CHECK) < 0) {
            throw new IllegalArgumentException("drift is looked for every second at most, not " + every);
        }
        this.driftChecks = every;
        this.driftPolicy = policy;
        return this;
    }

    /** Looks for drift only when asked to. */
    public KloigosBuilder neverCheckDrift() {
        this.driftChecks = null;
        return this;
    }

    /**
     * Sets who makes the threads: one that looks after leases, one that tells listeners what expires soon and what other
     * replicas changed, and one that begins looks for drift; up to 256 that run operations and one that watches how long
     * they take; as many for looks for drift. Those of the last two kinds end when they are idle. Without this, daemon
     * threads named {@code kloigos-}.
     */
    public KloigosBuilder threads(ThreadFactory factory) {
        this.threads = factory;
        return this;
    }

    private static Thread daemon(Runnable task) {
        Thread thread = new Thread(task);
        thread.setName("kloigos-" + thread.getId());
        thread.setDaemon(true);
        return thread;
    }

    /** Sets the clock; without this, the system's. */
    public KloigosBuilder clock(InstantSource source) {
        this.clock = source;
        return this;
    }

    /** Sets where unique ids of operations come from; without this, random UUIDs. */
    public KloigosBuilder ids(Supplier<String> source) {
        this.ids = source;
        return this;
    }

    /** Sets where user ids and ports begin; without this, {@link Bases#defaults()}. */
    public KloigosBuilder bases(Bases unitBases) {
        this.bases = unitBases;
        return this;
    }

    /**
     * Opens the database, takes up what a crash cut short, and returns the fleet.
     *
     * @throws KloigosException STORE_FAILED if the database cannot be opened
     */
    public Kloigos build() {
        HostDriver hostDriver = Objects.requireNonNull(driver, "Kloigos needs a driver: builder().driver(...)");
        String replica = ids.get();
        DataSource source = shared;
        Inventory inventory =
                source == null ? Inventory.open(database, replica, lease) : Inventory.open(source, replica, lease);
        boolean started = false;
        try {
            Kloigos kloigos = new Kloigos(this, inventory, hostDriver);
            kloigos.start(driftChecks, driftPolicy);
            started = true;
            return kloigos;
        } finally {
            if (!started) {
                inventory.close();
            }
        }
    }
}
