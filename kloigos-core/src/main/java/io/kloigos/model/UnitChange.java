package io.kloigos.model;

import java.time.Instant;
import java.util.List;

/** What can be changed of a unit while it is in a tenant's hands. */
public sealed interface UnitChange {
    /** Returns what the operation that makes the change does. */
    Operation.Kind kind();

    /**
     * Returns the unit as it will be.
     *
     * @param now when the change is asked for
     * @throws KloigosException WRONG_STATE if this cannot be changed of it now
     */
    ComputeUnit madeTo(ComputeUnit unit, Instant now);

    /**
     * The tenant's keys are these and no others. Who is logged in stays, and keys that the tenant put into {@code
     * ~/.ssh/authorized_keys} are the tenant's own.
     *
     * @param sshPublicKeys the keys with any of which the tenant will log in: 1 to 64
     */
    record RotateKeys(List<SshPublicKey> sshPublicKeys) implements UnitChange {
        public RotateKeys {
            sshPublicKeys = SshPublicKey.several(sshPublicKeys);
        }

        @Override
        public Operation.Kind kind() {
            return Operation.Kind.ROTATE_KEYS;
        }

        @Override
        public ComputeUnit madeTo(ComputeUnit unit, Instant now) {
            unit.requireAllocated("rotate the SSH keys of");
            return unit.with(unit.tenancy().withKeys(sshPublicKeys));
        }
    }

    /**
     * Nothing of the tenant runs any more, and nobody can log in, also after a reboot of the host. Files, keys, jobs and limits stay.
     * A unit that is stopped can be stopped again: a start that failed may have let the tenant in.
     */
    record Stop() implements UnitChange {
        @Override
        public Operation.Kind kind() {
            return Operation.Kind.STOP;
        }

        @Override
        public ComputeUnit madeTo(ComputeUnit unit, Instant now) {
            unit.requireAllocated("stop");
            return unit.isStopped() ? unit : unit.with(unit.tenancy().stopped(now));
        }
    }

    /** What {@link Stop} ended is possible again: the user manager runs, and the tenant can log in. */
    record Start() implements UnitChange {
        @Override
        public Operation.Kind kind() {
            return Operation.Kind.START;
        }

        @Override
        public ComputeUnit madeTo(ComputeUnit unit, Instant now) {
            unit.requireAllocated("start");
            if (!unit.isStopped()) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot start unit " + unit.id() + ": it is not stopped. Stop it first to start it anew.");
            }
            return unit.with(unit.tenancy().running());
        }
    }

    /**
     * The tenant may use more or less from now on. What runs goes on; CPUs and memory nodes stay. When the unit is given back, it gets
     * its former limits.
     *
     * @param limits what changes
     */
    record Resize(LimitChange limits) implements UnitChange {
        @Override
        public Operation.Kind kind() {
            return Operation.Kind.RESIZE;
        }

        @Override
        public ComputeUnit madeTo(ComputeUnit unit, Instant now) {
            unit.requireAllocated("resize");
            return unit.with(unit.tenancy().resized(limits.appliedTo(unit)));
        }
    }
}
