package io.kloigos.model;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Optional;
import java.util.function.Supplier;

/** Collects the faults of one request so that all of them are reported at once. Not thread-safe. */
public final class Faults {
    private final List<Fault> found = new ArrayList<>();

    /** Adds a fault at {@code path}. */
    public void add(String type, String message, Object... path) {
        found.add(Fault.of(type, message, path));
    }

    /** Adds faults found elsewhere. */
    public void addAll(Collection<Fault> faults) {
        found.addAll(faults);
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
            e.faults().forEach(fault -> found.add(fault.under(path)));
            return Optional.empty();
        }
    }

    /** Returns what was found so far. */
    public List<Fault> found() {
        return List.copyOf(found);
    }

    /** Throws {@code code} with every fault found, or does nothing if there is none. */
    public void throwIfAny(ErrorCode code, String attempted) {
        if (!found.isEmpty()) {
            throw new KloigosException(code, attempted, found);
        }
    }
}
