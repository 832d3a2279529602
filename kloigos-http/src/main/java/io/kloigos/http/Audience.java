package io.kloigos.http;

import io.kloigos.Event;
import io.kloigos.Kloigos;
import io.kloigos.model.Caller;
import io.kloigos.model.ComputeId;
import io.kloigos.model.Tenant;
import io.kloigos.model.UnitFilter;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.jspecify.annotations.Nullable;

/** Which events somebody is told: a tenant only of its own units and of the operations on them. Thread-safe. */
final class Audience {
    private final @Nullable Tenant tenant;
    private final Set<ComputeId> units = ConcurrentHashMap.newKeySet();

    private Audience(@Nullable Tenant tenant) {
        this.tenant = tenant;
    }

    static Audience of(Caller caller, Kloigos kloigos) {
        Tenant tenant = caller.tenant();
        Audience audience = new Audience(tenant);
        if (tenant != null) {
            kloigos.of(tenant).units(UnitFilter.all()).forEach(unit -> audience.units.add(unit.id()));
        }
        return audience;
    }

    /** Tells whether they are told of it. */
    boolean sees(Event event) {
        if (tenant == null) {
            return true;
        }
        boolean own = event.owner().filter(tenant::equals).isPresent();
        if (own && event instanceof Event.UnitChanged changed) {
            units.add(changed.unit().id());
        }
        return own;
    }

    /** Returns what they are told instead if the event is that a unit is theirs no more, which is told once. */
    Optional<Map<String, String>> lost(Event event) {
        return event instanceof Event.UnitChanged changed
                        && units.remove(changed.unit().id())
                ? Optional.of(Map.of("compute_id", changed.unit().id().value()))
                : Optional.empty();
    }
}
