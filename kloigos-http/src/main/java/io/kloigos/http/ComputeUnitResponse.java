package io.kloigos.http;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.IoLimit;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitLimits;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A compute unit as the API tells it; described in the API document under the same name. */
record ComputeUnitResponse(
        String computeId,
        String hostname,
        String ip,
        String region,
        String zone,
        String cpuRange,
        String cpuList,
        int cpuCount,
        String portsRange,
        String status,
        @Nullable Instant startedAt,
        Map<String, Object> tags,
        @Nullable String reason,
        String user,
        int uid,
        int sshPort,
        Limits limits,
        Directories directories,
        List<String> sshPublicKeys,
        @Nullable Instant expiresAt,
        boolean stopped,
        @Nullable Instant stoppedAt,
        @Nullable String operationId,
        @Nullable String owner) {

    record Limits(
            String memoryNodes,
            long memoryMax,
            long memoryHigh,
            long swapMax,
            int tasksMax,
            List<Disk> disks,
            List<Io> io,
            String portEnforcement) {
        static Limits of(UnitLimits limits) {
            return new Limits(
                    limits.memoryNodes().toString(),
                    limits.memoryMax().bytes(),
                    limits.memoryHigh().bytes(),
                    limits.swapMax().bytes(),
                    limits.tasksMax(),
                    limits.disks().stream().map(Disk::of).toList(),
                    limits.io().stream().map(Io::of).toList(),
                    limits.portEnforcement().toString());
        }
    }

    record Disk(String mountPoint, long size, long inodes) {
        static Disk of(UnitLimits.DiskLimit limit) {
            return new Disk(limit.mountPoint(), limit.bytes().bytes(), limit.inodes());
        }
    }

    record Io(
            String device,
            @Nullable Long readBytes,
            @Nullable Long writeBytes,
            @Nullable Long readIops,
            @Nullable Long writeIops) {
        static Io of(IoLimit limit) {
            var read = limit.readBytes();
            var write = limit.writeBytes();
            return new Io(
                    limit.device(),
                    read == null ? null : Long.valueOf(read.bytes()),
                    write == null ? null : Long.valueOf(write.bytes()),
                    limit.readOperations(),
                    limit.writeOperations());
        }
    }

    record Directories(String home, String opt, String mnt) {}

    static ComputeUnitResponse of(ComputeUnit unit, int sshPort) {
        Tenant owner = unit.owner();
        return new ComputeUnitResponse(
                unit.id().value(),
                unit.hostname(),
                unit.ip(),
                unit.region(),
                unit.zone(),
                unit.cpus().toString(),
                unit.cpus().toList(),
                unit.cpus().count(),
                unit.ports().toString(),
                unit.status().toString(),
                unit.startedAt(),
                unit.tags().values(),
                unit.reason().isEmpty() ? null : unit.reason(),
                unit.user(),
                unit.uid(),
                sshPort,
                Limits.of(unit.limits()),
                new Directories(unit.home(), unit.opt(), unit.mnt()),
                unit.sshPublicKeys().stream().map(SshPublicKey::line).toList(),
                unit.expiresAt(),
                unit.isStopped(),
                unit.stoppedAt(),
                unit.operationId(),
                owner == null ? null : owner.name());
    }
}
