package io.kloigos.http;

import io.kloigos.model.ComputeId;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/** How a server differs, as the API tells it; described in the API document under the same name. */
record DriftResponse(
        String hostname, Instant checkedAt, int facts, Map<String, Integer> unitFacts, List<Difference> deviations) {
    /** One fact that differs. */
    record Difference(
            String kind, @Nullable String computeId, String subject, String expected, String actual, String remedy) {
        static Difference of(Deviation deviation) {
            ComputeId unit = deviation.computeId();
            return new Difference(
                    deviation.kind().toString(),
                    unit == null ? null : unit.value(),
                    deviation.subject(),
                    deviation.expected(),
                    deviation.actual(),
                    deviation.kind().remedy().name().toLowerCase(Locale.ROOT));
        }
    }

    static DriftResponse of(DriftReport report) {
        return new DriftResponse(
                report.hostname(),
                report.checkedAt(),
                report.facts(),
                counts(report),
                report.deviations().stream().map(Difference::of).toList());
    }

    private static Map<String, Integer> counts(DriftReport report) {
        Map<String, Integer> counts = new TreeMap<>();
        report.unitFacts().forEach((unit, count) -> counts.put(unit.value(), count));
        return counts;
    }
}
