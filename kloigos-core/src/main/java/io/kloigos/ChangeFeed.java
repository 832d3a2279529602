package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.inventory.Operations.Change;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import java.util.function.LongSupplier;
import java.util.stream.Collectors;

/** What other replicas changed, each change once. Used by one thread at a time. */
final class ChangeFeed {
    /** A transaction that takes longer than this from its first change to its commit goes unseen. */
    private static final Duration WINDOW = Duration.ofSeconds(10);

    private final Inventory inventory;
    private final LongSupplier nanoTime;
    private final Set<Long> known = new HashSet<>();
    private long lookedAt;

    /** A feed of what is changed from now on, and shortly before. */
    ChangeFeed(Inventory inventory, LongSupplier nanoTime) {
        this.inventory = inventory;
        this.nanoTime = nanoTime;
        this.lookedAt = nanoTime.getAsLong();
    }

    /** Leaves out what was changed since the last look. */
    void skip() {
        lookedAt = nanoTime.getAsLong();
    }

    /**
     * Tells what was not told before, in the order in which it was noted; one change stands for all of the same cause. What
     * could not be looked up or told is told the next time.
     */
    void tell(Consumer<Change> listener) {
        long now = nanoTime.getAsLong();
        List<Change> recent = inventory.operations().changesOfOthers(WINDOW.plusNanos(now - lookedAt));
        known.retainAll(recent.stream().map(Change::number).collect(Collectors.toSet()));
        Set<String> causes = new HashSet<>();
        for (Change change : recent) {
            if (!known.contains(change.number()) && causes.add(change.cause())) {
                listener.accept(change);
            }
            known.add(change.number());
        }
        lookedAt = now;
    }
}
