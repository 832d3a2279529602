package io.kloigos.http;

import io.kloigos.http.Authentication.Means;
import io.kloigos.http.Authentication.Recognised;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** How many event streams are open, of each caller and of all, and how many may be. Thread-safe. */
final class StreamPlaces {
    private final AccessSettings.EventStreams limits;
    private final Map<String, Integer> ofCallers = new HashMap<>();
    private int taken;

    StreamPlaces(AccessSettings.EventStreams limits) {
        this.limits = limits;
    }

    /** Takes a place for a stream of the caller; if there is none, returns why. */
    synchronized Optional<String> take(Recognised caller) {
        String subject = caller.caller().subject();
        if (taken >= limits.total()) {
            return Optional.of(
                    "All " + limits.total() + " event streams of this server are open (--event-streams-total).");
        }
        if (caller.means() != Means.OPEN && ofCallers.getOrDefault(subject, 0) >= limits.perCaller()) {
            return Optional.of(subject + " has " + limits.perCaller()
                    + " event streams open, and may have no more (--event-streams). Close one.");
        }
        taken++;
        ofCallers.merge(subject, 1, Integer::sum);
        return Optional.empty();
    }

    /** Gives back what was taken. */
    synchronized void giveBack(Recognised caller) {
        taken--;
        ofCallers.computeIfPresent(caller.caller().subject(), (subject, streams) -> streams == 1 ? null : streams - 1);
    }
}
