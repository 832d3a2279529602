package io.kloigos;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DriftReport;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;

/** Something that has happened, after it was written down. */
public sealed interface Event {
    /**
     * A unit has another status, or is another to its tenant.
     *
     * @param unit as it now is
     */
    record UnitChanged(ComputeUnit unit) implements Event {}

    /**
     * A unit will soon be taken back from its tenant. Told once, as soon as somebody listens.
     *
     * @param unit as it now is; {@link ComputeUnit#expiresAt()} says when
     */
    record UnitExpiring(ComputeUnit unit) implements Event {}

    /**
     * A server has another status, or was cordoned or uncordoned.
     *
     * @param server as it now is
     */
    record ServerChanged(Server server) implements Event {}

    /**
     * A server was looked at, and differs from what the inventory says in another way than when it was last looked at, or
     * no more.
     *
     * @param report what was found
     */
    record DriftChanged(DriftReport report) implements Event {}

    /**
     * An operation began, took a step, or ended.
     *
     * @param operation as it now is
     */
    record OperationChanged(Operation operation) implements Event {}
}
