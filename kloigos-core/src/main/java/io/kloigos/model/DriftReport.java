package io.kloigos.model;

import java.time.Instant;
import java.util.List;
import java.util.Objects;
import java.util.Set;

/**
 * How a server differs from what the inventory says.
 *
 * @param hostname which server
 * @param checkedAt when it was looked at
 * @param facts how many facts were compared
 * @param deviations those that differ
 */
public record DriftReport(String hostname, Instant checkedAt, int facts, List<Deviation> deviations) {
    public DriftReport {
        Objects.requireNonNull(hostname);
        Objects.requireNonNull(checkedAt);
        deviations = List.copyOf(deviations);
    }

    /** Returns this report with the deviations of one unit only. */
    public DriftReport of(ComputeId unit) {
        return of(Set.of(unit));
    }

    /** Returns this report with the deviations of these units only. */
    public DriftReport of(Set<ComputeId> units) {
        return new DriftReport(
                hostname,
                checkedAt,
                facts,
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
