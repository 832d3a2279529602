package io.kloigos.http;

import io.kloigos.http.ComputeUnitResponse.Directories;
import io.kloigos.http.ComputeUnitResponse.Limits;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitLimits;
import java.util.IdentityHashMap;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The units of one answer as the API tells them. Many have the same CPUs or limits, of which the text is made once. Not
 * thread-safe.
 */
final class UnitResponses {
    private static final int MOST = 1024;

    /** The inventory gives the same object for equal ones, mostly. */
    private final IdentityHashMap<CpuSet, Cpus> cpus = new IdentityHashMap<>();

    private final IdentityHashMap<UnitLimits, Json.Part> limits = new IdentityHashMap<>();

    /** What follows from a unit's CPUs alone. */
    private record Cpus(String range, String list, int count, String user, Json.Part directories) {
        static Cpus of(ComputeUnit unit) {
            CpuSet cpus = unit.cpus();
            return new Cpus(
                    cpus.toString(), cpus.toList(), cpus.count(), unit.user(), Json.Part.of(Directories.of(unit)));
        }
    }

    ComputeUnitResponse of(ComputeUnit unit, int sshPort, @Nullable String hostKey) {
        Cpus names = once(cpus, unit.cpus(), () -> Cpus.of(unit));
        Tenant owner = unit.owner();
        return new ComputeUnitResponse(
                unit.id().value(),
                unit.hostname(),
                unit.ip(),
                unit.region(),
                unit.zone(),
                names.range(),
                names.list(),
                names.count(),
                unit.ports().toString(),
                unit.status().toString(),
                unit.startedAt(),
                unit.tags().values(),
                unit.reason().isEmpty() ? null : unit.reason(),
                names.user(),
                unit.uid(),
                sshPort,
                hostKey,
                once(limits, unit.limits(), () -> Json.Part.of(Limits.of(unit.limits()))),
                names.directories(),
                unit.sshPublicKeys().stream().map(SshPublicKey::line).toList(),
                unit.expiresAt(),
                unit.isStopped(),
                unit.stoppedAt(),
                unit.operationId(),
                owner == null ? null : owner.name());
    }

    private static <K, V> V once(IdentityHashMap<K, V> made, K key, Supplier<V> make) {
        V known = made.get(key);
        if (known != null) {
            return known;
        }
        if (made.size() == MOST) {
            made.clear();
        }
        V value = make.get();
        made.put(key, value);
        return value;
    }
}
