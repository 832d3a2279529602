package io.kloigos;

import io.kloigos.model.DataVolume;
import io.kloigos.model.KloigosException;
import io.kloigos.model.ReleaseCertificate.Discard;
import io.kloigos.model.ReleaseCertificate.Finding;
import io.kloigos.model.ReleaseCertificate.State;
import io.kloigos.model.Trace;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import io.kloigos.spi.UnitAccount;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.EnumSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * What a deallocation leaves known of its tenant.
 *
 * @param findings one for each kind of trace
 * @param obstacles the kinds at which the plan stopped
 * @param discard whether the unit's own disk has forgotten what was stored; null if it has none, or nobody knows
 */
record Release(
        List<Finding> findings,
        Set<Trace> obstacles,
        @Nullable Discard discard) {
    /** Nothing was looked at. */
    static Release unknown(String why) {
        return new Release(
                Stream.of(Trace.values())
                        .map(trace -> Finding.unknown(trace, why))
                        .toList(),
                Set.of(),
                null);
    }

    /**
     * Concludes from a plan that was applied. What it proved is clean; the rest is read: what it left out, and everything if it
     * stopped half way.
     *
     * @param volume the disk or logical volume of the unit's own
     */
    static Release of(
            HostPlan plan, PlanReport report, UnitAccount tenant, Optional<DataVolume> volume, HostSession session) {
        Map<Trace, Finding> known = new EnumMap<>(Trace.class);
        boolean completed = report.end() == PlanReport.End.COMPLETED;
        if (completed) {
            lookedFor(plan).forEach(trace -> known.put(trace, Finding.clean(trace)));
        }
        List<Trace> rest = Stream.of(Trace.values())
                .filter(trace -> !known.containsKey(trace))
                .toList();
        read(rest, tenant, session).forEach(finding -> known.put(finding.trace(), finding));
        return new Release(
                List.copyOf(known.values()),
                completed ? Set.of() : obstacles(plan, report, known),
                completed ? volume.map(own -> discard(own, session)).orElse(null) : null);
    }

    /** A plan that came to its end has discarded what the disk takes discards for. */
    private static @Nullable Discard discard(DataVolume volume, HostSession session) {
        Reading most = new Reading.Output(
                List.of("lsblk", "-bdno", "DISC-MAX", volume.disk().device()));
        try {
            String bytes = session.read(List.of(most)).get(0);
            return bytes.equals("0") ? Discard.UNSUPPORTED : bytes.matches("\\d+") ? Discard.DISCARDED : null;
        } catch (KloigosException e) {
            return null;
        }
    }

    private static Set<Trace> lookedFor(HostPlan plan) {
        Set<Trace> traces = EnumSet.noneOf(Trace.class);
        for (Step step : plan.steps()) {
            if (step instanceof Step.Expectation expectation
                    && expectation.reading() instanceof Reading.Traces reading) {
                traces.add(reading.trace());
            }
        }
        return traces;
    }

    private static List<Finding> read(List<Trace> traces, UnitAccount tenant, HostSession session) {
        if (traces.isEmpty()) {
            return List.of();
        }
        try {
            List<String> texts = session.read(traces.stream()
                    .<Reading>map(trace -> new Reading.Traces(trace, tenant))
                    .toList());
            List<Finding> findings = new ArrayList<>();
            for (int i = 0; i < traces.size(); i++) {
                findings.add(finding(traces.get(i), texts.get(i)));
            }
            return findings;
        } catch (KloigosException e) {
            return traces.stream()
                    .map(trace -> Finding.unknown(trace, String.valueOf(e.getMessage())))
                    .toList();
        }
    }

    private static Finding finding(Trace trace, String text) {
        if (text.equals(Reading.Traces.NONE)) {
            return Finding.clean(trace);
        }
        return text.startsWith(Reading.Traces.UNKNOWN)
                ? Finding.unknown(trace, text.substring(Reading.Traces.UNKNOWN.length()))
                : Finding.found(trace, text);
    }

    /** Where it stopped at erasing a kind, what follows was not tried; where it stopped at looking, everything was. */
    private static Set<Trace> obstacles(HostPlan plan, PlanReport report, Map<Trace, Finding> known) {
        Set<Trace> obstacles = EnumSet.noneOf(Trace.class);
        Step stopped =
                report.failure().map(StepReport::index).map(plan.steps()::get).orElse(null);
        if (stopped instanceof Step.Erasure erasure) {
            obstacles.add(erasure.trace());
        } else if (stopped instanceof Step.Expectation expectation
                && expectation.reading() instanceof Reading.Traces reading) {
            obstacles.add(reading.trace());
            known.values().stream()
                    .filter(finding -> finding.state() != State.CLEAN)
                    .forEach(finding -> obstacles.add(finding.trace()));
        }
        return obstacles;
    }
}
