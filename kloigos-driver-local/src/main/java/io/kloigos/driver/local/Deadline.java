package io.kloigos.driver.local;

import java.time.Duration;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;

/** When something must be over, by the clock that never jumps. */
record Deadline(long nanoTime) {
    /** A plan ran over its time limit. */
    static final class Passed extends RuntimeException {
        Passed() {
            super("the time limit has passed", null, false, false);
        }
    }

    static Deadline after(Duration duration) {
        return new Deadline(System.nanoTime() + duration.toNanos());
    }

    boolean isOver() {
        return leftNanos() <= 0;
    }

    long leftNanos() {
        return nanoTime - System.nanoTime();
    }

    void check() {
        if (isOver() || Thread.currentThread().isInterrupted()) {
            throw new Passed();
        }
    }

    /** Waits a little, for something that tells nobody when it has happened. */
    static void pause(long millis) {
        LockSupport.parkNanos(TimeUnit.MILLISECONDS.toNanos(millis));
    }
}
