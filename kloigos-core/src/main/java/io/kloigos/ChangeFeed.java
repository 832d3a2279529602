package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.inventory.Inventory.Change;
import java.time.Duration;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;

/** What other replicas changed, each change once. Used by one thread at a time. */
final class ChangeFeed {
    /** A transaction that takes longer than this from its first change to its commit goes unseen. */
    private static final Duration WINDOW = Duration.ofSeconds(10);

    private final Inventory inventory;
    private Set<Long> known = new HashSet<>();

    ChangeFeed(Inventory inventory) {
        this.inventory = inventory;
    }

    /** Returns what was not returned before, in the order of the audit log; one change of an operation stands for all. */
    List<Change> next() {
        List<Change> recent = inventory.changesOfOthers(WINDOW);
        List<Change> fresh = recent.stream()
                .filter(change -> !known.contains(change.number()))
                .toList();
        known = recent.stream().map(Change::number).collect(Collectors.toSet());
        Set<String> operations = new HashSet<>();
        return fresh.stream()
                .filter(change -> operations.add(change.operationId()))
                .toList();
    }
}
