package io.kloigos.model;

import java.time.Instant;
import java.util.Collections;
import java.util.EnumSet;
import java.util.List;
import java.util.Locale;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * What was known of a tenant's traces on a unit when its deallocation ended.
 *
 * @param computeId the unit
 * @param operationId the deallocation
 * @param at when it ended
 * @param findings what was found of each kind, one each, in the order of {@link Trace}
 * @param obstacles the kinds that kept the deallocation from its end, and that a forced release leaves as they are; empty if
 *     there were none, or if it ended for another reason. With processes among them, no release is forced
 * @param discard what the disk, or logical volume, of the unit's own did with the blocks that the tenant's files had; null if it
 *     shares one or has none, or if it is not known
 * @param forced whose word stands for what is not clean; null unless an operator forced the release
 */
public record ReleaseCertificate(
        ComputeId computeId,
        String operationId,
        Instant at,
        List<Finding> findings,
        Set<Trace> obstacles,
        @Nullable Discard discard,
        @Nullable ForcedRelease forced) {

    /** What a disk does with blocks in which nothing is stored any more. */
    public enum Discard {
        /** It was told to forget them, so that nobody finds what was there. */
        DISCARDED,
        /** It cannot forget them: root reads them until they are overwritten. No tenant does, since they are in no file. */
        UNSUPPORTED;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /** What is known of one kind. */
    public enum State {
        /** It was looked for, and there was none. */
        CLEAN,
        /** There was some. */
        FOUND,
        /** The host could not tell, or was not asked. */
        UNKNOWN;

        @Override
        public String toString() {
            return name().toLowerCase(Locale.ROOT);
        }
    }

    /**
     * What is known of one kind of trace.
     *
     * @param trace which kind
     * @param state what is known
     * @param detail the first few that were found, or why it is unknown; empty if clean
     */
    public record Finding(Trace trace, State state, String detail) {
        public Finding {
            Objects.requireNonNull(trace);
            if (detail.isEmpty() != (state == State.CLEAN)) {
                throw new IllegalArgumentException(trace + " is " + state + ": \"" + detail + '"');
            }
        }

        /** Returns that there is none. */
        public static Finding clean(Trace trace) {
            return new Finding(trace, State.CLEAN, "");
        }

        /** Returns that there is some. */
        public static Finding found(Trace trace, String what) {
            return new Finding(trace, State.FOUND, what);
        }

        /** Returns that nobody knows. */
        public static Finding unknown(Trace trace, String why) {
            return new Finding(trace, State.UNKNOWN, why);
        }

        /** Returns the kind, and what is known of it unless it is clean. */
        @Override
        public String toString() {
            return state == State.CLEAN ? trace.toString() : trace + " " + state + ": " + detail;
        }
    }

    public ReleaseCertificate {
        Objects.requireNonNull(computeId);
        Objects.requireNonNull(operationId);
        Objects.requireNonNull(at);
        findings = List.copyOf(findings);
        obstacles = obstacles.isEmpty() ? Set.of() : Collections.unmodifiableSet(EnumSet.copyOf(obstacles));
        if (findings.stream().map(Finding::trace).distinct().count() < findings.size()) {
            throw new IllegalArgumentException("a kind is in the certificate twice: " + findings);
        }
    }

    /** Tells whether every kind was looked for and nothing was found. */
    public boolean isClean() {
        return !findings.isEmpty() && findings.stream().allMatch(finding -> finding.state() == State.CLEAN);
    }

    /** Returns what is known of this kind; empty if the certificate is older than the kind. */
    public Optional<Finding> finding(Trace trace) {
        return findings.stream().filter(finding -> finding.trace() == trace).findFirst();
    }

    /** Returns what is not clean, in words; empty if everything is. */
    public String remarks() {
        return findings.stream()
                .filter(finding -> finding.state() != State.CLEAN)
                .map(Finding::toString)
                .collect(Collectors.joining("; "));
    }
}
