package io.kloigos.testkit;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;

/** A clock that stands still until it is moved. Safe for use by many threads. */
public final class SettableClock implements InstantSource {
    private Instant now;

    private SettableClock(Instant start) {
        now = start;
    }

    /** Returns a clock that stands at {@code start}. */
    public static SettableClock at(Instant start) {
        return new SettableClock(start);
    }

    @Override
    public synchronized Instant instant() {
        return now;
    }

    /** Moves the clock on by {@code time}, or back if it is negative. */
    public synchronized void advance(Duration time) {
        now = now.plus(time);
    }
}
