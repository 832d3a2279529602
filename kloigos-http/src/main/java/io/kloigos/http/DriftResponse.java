package io.kloigos.http;

import io.kloigos.model.ComputeId;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import org.jspecify.annotations.Nullable;

/** How a server differs, as the API tells it; described in the API document under the same name. */
record DriftResponse(String hostname, Instant checkedAt, int facts, List<Difference> deviations) {
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
                report.deviations().stream().map(Difference::of).toList());
    }
}
