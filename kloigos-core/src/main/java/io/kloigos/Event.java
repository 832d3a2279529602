package io.kloigos;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DriftReport;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.Tenant;
import java.util.Optional;

/** Something that has happened, after it was written down. */
public sealed interface Event {
    /** Returns the tenant whose unit or operation it is about; empty if that is nobody's, or it is about a server. */
    Optional<Tenant> owner();

    /**
     * A unit has another status, or is another to its tenant.
     *
     * @param unit as it now is
     */
    record UnitChanged(ComputeUnit unit) implements Event {
        @Override
        public Optional<Tenant> owner() {
            return Optional.ofNullable(unit.owner());
        }
    }

    /**
     * A unit will soon be taken back from its tenant. Told once, as soon as somebody listens.
     *
     * @param unit as it now is; {@link ComputeUnit#expiresAt()} says when
     */
    record UnitExpiring(ComputeUnit unit) implements Event {
        @Override
        public Optional<Tenant> owner() {
            return Optional.ofNullable(unit.owner());
        }
    }

    /**
     * A server has another status, or was cordoned or uncordoned.
     *
     * @param server as it now is
     */
    record ServerChanged(Server server) implements Event {
        @Override
        public Optional<Tenant> owner() {
            return Optional.empty();
        }
    }

    /**
     * A server was looked at, and differs from what the inventory says in another way than when it was last looked at, or
     * no more.
     *
     * @param report what was found
     */
    record DriftChanged(DriftReport report) implements Event {
        @Override
        public Optional<Tenant> owner() {
            return Optional.empty();
        }
    }

    /**
     * An operation began, took a step, or ended.
     *
     * @param operation as it now is
     */
    record OperationChanged(Operation operation) implements Event {
        @Override
        public Optional<Tenant> owner() {
            return Optional.ofNullable(operation.owner());
        }
    }
}
