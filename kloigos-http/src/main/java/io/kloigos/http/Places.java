package io.kloigos.http;

import java.util.HashMap;
import java.util.Map;

/**
 * How many requests of each are answered at the same time, and how many may be: each has a thread of those that all share, and may
 * wait for a host that does not answer, or for a client that takes its time to send. Thread-safe.
 *
 * @param <T> whose the requests are
 */
final class Places<T> {
    private final int most;
    private final Map<T, Integer> taken = new HashMap<>();

    /** @param most how many of each */
    Places(int most) {
        this.most = most;
    }

    /** Takes a place; false if there is none left. */
    synchronized boolean take(T whose) {
        int now = taken.getOrDefault(whose, 0);
        if (now >= most) {
            return false;
        }
        taken.put(whose, now + 1);
        return true;
    }

    /** Gives back what was taken. */
    synchronized void giveBack(T whose) {
        taken.computeIfPresent(whose, (same, places) -> places == 1 ? null : places - 1);
    }
}
