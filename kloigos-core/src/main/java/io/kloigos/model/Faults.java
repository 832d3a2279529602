package io.kloigos.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/**
 * Collects the faults of one request so that all of them are reported at once; of more than {@value #MOST} the number. Not
 * thread-safe.
 */
public final class Faults {
    private static final int MOST = 100;

    private final List<Fault> found = new ArrayList<>();
    private int more;

    /** Adds a fault at {@code path}. */
    public void add(String type, String message, Object... path) {
        if (found.size() < MOST) {
            found.add(Fault.of(type, message, path));
        } else {
            more++;
        }
    }

    /** Adds faults found elsewhere. */
    public void addAll(Collection<Fault> faults) {
        List<Fault> all = List.copyOf(faults);
        int room = Math.min(MOST - found.size(), all.size());
        found.addAll(all.subList(0, room));
        more += all.size() - room;
    }

    /**
     * Returns what {@code value} returns, or empty if it threw {@link ErrorCode#INVALID_REQUEST}, whose faults are then
     * added under {@code path}.
     */
    public <T> Optional<T> attempt(Supplier<T> value, Object... path) {
        try {
            return Optional.of(value.get());
        } catch (KloigosException e) {
            if (e.code() != ErrorCode.INVALID_REQUEST) {
                throw e;
            }
            addAll(e.faults().stream().map(fault -> fault.under(path)).toList());
            return Optional.empty();
        }
    }

    /** Returns what was found so far. */
    public List<Fault> found() {
        if (more == 0) {
            return List.copyOf(found);
        }
        List<Fault> all = new ArrayList<>(found);
        all.add(Fault.of("more_faults", "there are " + more + " more"));
        return List.copyOf(all);
    }

    /** Throws {@code code} with every fault found, or does nothing if there is none. */
    public void throwIfAny(ErrorCode code, String attempted) {
        if (!found.isEmpty()) {
            throw new KloigosException(code, attempted, found());
        }
    }
}
