package io.kloigos.planner;

import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.Server;
import java.util.Collections;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What Kloigos sets on a host for all its units alike, beside the limits of each. Init writes it, and looks for drift compare it.
 *
 * @param kernel sysctls by their names, in order; what the host had set stricter before is left so and not among them
 * @param workqueueCpus the CPUs on which the kernel does work that belongs to no CPU; null where that is left as it was
 * @param connectionsPerSecond how many connections, or exchanges by UDP, a unit may begin in a second for long
 * @param openConnections how many of those that a unit has begun may be open, and how many it may begin at once
 */
public record HostSettings(
        Map<String, String> kernel, @Nullable CpuSet workqueueCpus, int connectionsPerSecond, int openConnections) {
    public HostSettings {
        kernel = Collections.unmodifiableMap(new TreeMap<>(kernel));
    }

    /** Returns what is set on this server's host. */
    public static HostSettings of(Server server) {
        Map<String, String> kernel = new TreeMap<>();
        HostFiles.settings(server.facts()).forEach(setting -> kernel.put(setting.name(), setting.value()));
        return new HostSettings(
                kernel,
                HousekeepingCpus.workqueueCpus(server).map(CpuMask::cpus).orElse(null),
                HostFiles.OPENED_PER_SECOND,
                HostFiles.TRACKED);
    }
}
