package io.kloigos.http;

import io.kloigos.model.ByteSize;
import io.kloigos.model.UnitUsage;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a unit uses, as the API tells it; described in the API document under the same name. */
record UsageResponse(
        String computeId,
        Instant readAt,
        @Nullable Long cpuMicros,
        @Nullable Long memory,
        @Nullable Long swap,
        @Nullable Long tasks,
        @Nullable Long oomKills,
        @Nullable Pressure cpuPressure,
        @Nullable Pressure memoryPressure,
        @Nullable Pressure ioPressure,
        List<Disk> disks,
        @Nullable List<Io> io,
        List<Socket> sockets) {

    record Pressure(double avg10, double avg60, double avg300, long totalMicros) {
        static @Nullable Pressure of(UnitUsage.@Nullable Pressure pressure) {
            return pressure == null
                    ? null
                    : new Pressure(pressure.avg10(), pressure.avg60(), pressure.avg300(), micros(pressure.total()));
        }
    }

    record Disk(String mountPoint, long size, long inodes) {
        static Disk of(UnitUsage.Disk disk) {
            return new Disk(disk.mountPoint(), disk.size().bytes(), disk.inodes());
        }
    }

    record Io(String device, long readBytes, long writeBytes, long reads, long writes) {
        static Io of(UnitUsage.Io io) {
            return new Io(io.device(), io.read().bytes(), io.written().bytes(), io.reads(), io.writes());
        }
    }

    record Socket(String protocol, int port) {
        static Socket of(UnitUsage.Socket socket) {
            return new Socket(socket.protocol(), socket.port());
        }
    }

    static UsageResponse of(UnitUsage usage) {
        Duration cpuTime = usage.cpuTime();
        List<UnitUsage.Io> io = usage.io();
        return new UsageResponse(
                usage.computeId().value(),
                usage.readAt(),
                cpuTime == null ? null : Long.valueOf(micros(cpuTime)),
                bytes(usage.memory()),
                bytes(usage.swap()),
                usage.tasks(),
                usage.oomKills(),
                Pressure.of(usage.cpuPressure()),
                Pressure.of(usage.memoryPressure()),
                Pressure.of(usage.ioPressure()),
                usage.disks().stream().map(Disk::of).toList(),
                io == null ? null : io.stream().map(Io::of).toList(),
                usage.sockets().stream().map(Socket::of).toList());
    }

    private static long micros(Duration time) {
        return time.toNanos() / 1000;
    }

    private static @Nullable Long bytes(@Nullable ByteSize size) {
        return size == null ? null : Long.valueOf(size.bytes());
    }
}
