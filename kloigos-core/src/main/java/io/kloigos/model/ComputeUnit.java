package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;

/**
 * A compute unit: a server and a CPU set, the thing that is allocated.
 *
 * @param id its name in the fleet
 * @param hostname its server
 * @param ip its server's address, where the tenant logs in
 * @param region where its server stands
 * @param zone where in the region its server stands
 * @param cpus its CPUs
 * @param uid its Unix user and group id
 * @param ports the ports that only it can serve on
 * @param baseLimits what it may use when it is handed to a tenant
 * @param dataDirectory where its part of a data disk is; null if /mnt is on the system's disk
 * @param status its status
 * @param reason why it is in this status, where that is not plain; else empty
 * @param tenancy what it is to its tenant
 * @param operationId the newest operation on it
 */
public record ComputeUnit(
        ComputeId id,
        String hostname,
        String ip,
        String region,
        String zone,
        CpuSet cpus,
        int uid,
        PortRange ports,
        UnitLimits baseLimits,
        @Nullable String dataDirectory,
        UnitStatus status,
        String reason,
        Tenancy tenancy,
        @Nullable String operationId) {
    public ComputeUnit {
        Objects.requireNonNull(id);
        Objects.requireNonNull(tenancy);
        if (cpus.isEmpty()) {
            throw KloigosException.invalid("cpu_range", "a unit without CPUs is not a unit");
        }
    }

    /** Returns the Unix user of a unit with these CPUs, e.g. {@code u0-15}; at most 31 characters. */
    public static String userOf(CpuSet cpus) {
        return "u" + Names.suffix(cpus);
    }

    /** Returns the name under /opt and /mnt of a unit with these CPUs, e.g. {@code c0-15}. */
    public static String directoryOf(CpuSet cpus) {
        return "c" + Names.suffix(cpus);
    }

    /** Returns its Unix user. */
    public String user() {
        return userOf(cpus);
    }

    /** Returns the user's home directory. */
    public String home() {
        return "/home/" + user();
    }

    /** Returns the directory for programs. */
    public String opt() {
        return "/opt/" + directoryOf(cpus);
    }

    /** Returns the directory for data. */
    public String mnt() {
        return "/mnt/" + directoryOf(cpus);
    }

    /** Returns the three directories that belong to the unit. */
    public List<String> directories() {
        return List.of(home(), opt(), mnt());
    }

    /** Returns its systemd slice, e.g. {@code user-20000.slice}. */
    public String slice() {
        return "user-" + uid + ".slice";
    }

    /** Returns the slice's directory in the cgroup file system. */
    public String cgroup() {
        return "/sys/fs/cgroup/user.slice/" + slice();
    }

    /** Returns whose it is; null if nobody's in particular, and while it has no tenant. */
    public @Nullable Tenant owner() {
        return tenancy.owner();
    }

    /** Returns what its tenant noted. */
    public Tags tags() {
        return tenancy.tags();
    }

    /** Returns the keys with which its tenant logs in; none while it has no tenant. */
    public List<SshPublicKey> sshPublicKeys() {
        return tenancy.sshPublicKeys();
    }

    /** Returns when it was handed to its tenant; null while it has none. */
    public @Nullable Instant startedAt() {
        return tenancy.startedAt();
    }

    /** Returns what it may use. */
    public UnitLimits limits() {
        UnitLimits resizedTo = tenancy.resizedTo();
        return resizedTo == null ? baseLimits : resizedTo;
    }

    /** Returns when it is taken back from its tenant; null if only on request. */
    public @Nullable Instant expiresAt() {
        return tenancy.expiresAt();
    }

    /** Returns since when nothing of its tenant runs; null if it is not stopped. */
    public @Nullable Instant stoppedAt() {
        return tenancy.stoppedAt();
    }

    /** Tells whether it is in a tenant's hands, but nothing of the tenant runs. */
    public boolean isStopped() {
        return stoppedAt() != null;
    }

    /**
     * Makes sure that the unit is in a tenant's hands.
     *
     * @param attempt what was attempted, in words that go before the unit's name
     * @throws KloigosException WRONG_STATE if it is not
     */
    public void requireAllocated(String attempt) {
        if (status != UnitStatus.ALLOCATED) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "Cannot " + attempt + " unit " + id + ": it is " + status
                            + ". That can be done while it is allocated.");
        }
    }

    /** Returns this unit in another status, for {@code reason}. */
    public ComputeUnit in(UnitStatus newStatus, String newReason) {
        return with(newStatus, newReason, tenancy, operationId);
    }

    /** Returns this unit with this operation as the newest on it. */
    public ComputeUnit under(String operation) {
        return with(status, reason, tenancy, operation);
    }

    /** Returns this unit as it is to its tenant with another tenancy. */
    public ComputeUnit with(Tenancy other) {
        return with(status, reason, other, operationId);
    }

    private ComputeUnit with(
            UnitStatus newStatus, String newReason, Tenancy newTenancy, @Nullable String newOperationId) {
        return new ComputeUnit(
                id,
                hostname,
                ip,
                region,
                zone,
                cpus,
                uid,
                ports,
                baseLimits,
                dataDirectory,
                newStatus,
                newReason,
                newTenancy,
                newOperationId);
    }
}
