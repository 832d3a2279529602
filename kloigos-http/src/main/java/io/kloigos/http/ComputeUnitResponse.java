package io.kloigos.http;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.IoLimit;
import io.kloigos.model.UnitLimits;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * A compute unit as the API tells it; described in the API document under the same name.
 *
 * @param limits the {@link Limits}
 * @param directories the {@link Directories}
 */
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
        @Nullable String hostKey,
        Json.Part limits,
        Json.Part directories,
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

    record Directories(String home, String opt, String mnt) {
        static Directories of(ComputeUnit unit) {
            return new Directories(unit.home(), unit.opt(), unit.mnt());
        }
    }

    /** Returns it without the host key. */
    static ComputeUnitResponse of(ComputeUnit unit, int sshPort) {
        return of(unit, sshPort, null);
    }

    static ComputeUnitResponse of(ComputeUnit unit, int sshPort, @Nullable String hostKey) {
        return new UnitResponses().of(unit, sshPort, hostKey);
    }
}
