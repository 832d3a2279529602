package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.PortRange;
import java.util.ArrayList;
import java.util.List;

/**
 * What a tenant who tries to log in to a fake host meets.
 *
 * @param refusal why the login is refused; empty if it succeeds
 * @param keys the public keys with which it succeeds
 * @param cpus the CPUs on which the tenant's processes run
 * @param memory the most memory they get
 * @param ports the ports that only the tenant can serve on
 */
public record TenantLogin(String refusal, List<String> keys, CpuSet cpus, ByteSize memory, List<PortRange> ports) {
    public TenantLogin {
        keys = List.copyOf(keys);
        ports = List.copyOf(ports);
    }

    static TenantLogin refused(String refusal) {
        return new TenantLogin(refusal, List.of(), CpuSet.empty(), new ByteSize(0), List.of());
    }

    /** Tells whether the tenant gets in. */
    public boolean succeeds() {
        return refusal.isEmpty();
    }

    /** Returns how this differs from what was promised, a line each. */
    List<String> differences(TenantLogin promised) {
        if (!succeeds()) {
            return List.of("login: refused: " + refusal);
        }
        List<String> differences = new ArrayList<>();
        compare("keys", promised.keys, keys, differences);
        compare("CPUs", promised.cpus, cpus, differences);
        compare("memory", promised.memory, memory, differences);
        compare("ports", promised.ports, ports, differences);
        return differences;
    }

    private static void compare(String what, Object promised, Object found, List<String> differences) {
        if (!promised.equals(found)) {
            differences.add(what + ": promised " + promised + ", found " + found);
        }
    }
}
