package io.kloigos.model;

import java.time.Instant;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;

/**
 * How a server differs from what the inventory says.
 *
 * @param hostname which server
 * @param checkedAt when it was looked at
 * @param facts how many facts were compared, those of the whole server among them
 * @param unitFacts how many of them are of each unit that was looked at
 * @param deviations those that differ
 */
public record DriftReport(
        String hostname, Instant checkedAt, int facts, Map<ComputeId, Integer> unitFacts, List<Deviation> deviations) {
    public DriftReport {
        Objects.requireNonNull(hostname);
        Objects.requireNonNull(checkedAt);
        unitFacts = Map.copyOf(unitFacts);
        deviations = List.copyOf(deviations);
    }

    /** Returns this report with what was compared of one unit only. */
    public DriftReport of(ComputeId unit) {
        return of(Set.of(unit));
    }

    /** Returns this report with what was compared of these units only. */
    public DriftReport of(Set<ComputeId> units) {
        Map<ComputeId, Integer> counts = new HashMap<>(unitFacts);
        counts.keySet().retainAll(units);
        return new DriftReport(
                hostname,
                checkedAt,
                counts.values().stream().mapToInt(Integer::intValue).sum(),
                counts,
                deviations.stream()
                        .filter(deviation -> deviation.computeId() != null && units.contains(deviation.computeId()))
                        .toList());
    }

    /** Returns the deviations that a repair can mend. */
    public List<Deviation> repairable() {
        return deviations.stream()
                .filter(deviation -> deviation.kind().remedy() == FactKind.Remedy.REPAIR)
                .toList();
    }
}
