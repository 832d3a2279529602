package io.kloigos.http;

import java.time.Duration;
import java.time.Instant;
import java.time.InstantSource;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * How often each of many may do something: token buckets, of which those least recently used are forgotten when there are too
 * many. Thread-safe.
 */
final class RateLimits {
    private static final int MOST = 10_000;

    private final InstantSource clock;
    private final double perSecond;
    private final double burst;
    private final Map<String, Bucket> buckets = new LinkedHashMap<>(16, 0.75f, true) {
        private static final long serialVersionUID = 1;

        @Override
        protected boolean removeEldestEntry(Map.Entry<String, Bucket> eldest) {
            return size() > MOST;
        }
    };

    private static final class Bucket {
        private double left;
        private Instant at;

        Bucket(double left, Instant at) {
            this.left = left;
            this.at = at;
        }
    }

    /**
     * Limits for each.
     *
     * @param perSecond how often a second for long
     * @param burst how often at once
     */
    RateLimits(InstantSource clock, double perSecond, double burst) {
        this.clock = clock;
        this.perSecond = perSecond;
        this.burst = burst;
    }

    /** Takes one of what {@code whose} has left; if nothing is, returns how long until there is. */
    synchronized Optional<Duration> take(String whose) {
        Bucket bucket = filled(whose);
        Optional<Duration> wait = missing(bucket);
        if (wait.isEmpty()) {
            bucket.left -= 1;
        }
        return wait;
    }

    private Optional<Duration> missing(Bucket bucket) {
        return bucket.left >= 1
                ? Optional.empty()
                : Optional.of(Duration.ofMillis((long) Math.ceil((1 - bucket.left) / perSecond * 1000)));
    }

    private Bucket filled(String whose) {
        Instant now = clock.instant();
        Bucket bucket = buckets.computeIfAbsent(whose, key -> new Bucket(burst, now));
        double seconds = Math.max(0, Duration.between(bucket.at, now).toNanos() / 1e9);
        bucket.left = Math.min(burst, bucket.left + seconds * perSecond);
        bucket.at = now;
        return bucket;
    }
}
