package io.kloigos.model;

import java.util.List;

/** What can be changed of a unit while it is in a tenant's hands. */
public sealed interface UnitChange {
    /** Returns what the operation that makes the change does. */
    Operation.Kind kind();

    /**
     * Returns the unit as it will be.
     *
     * @throws KloigosException WRONG_STATE if this cannot be changed of it now
     */
    ComputeUnit madeTo(ComputeUnit unit);

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
        public ComputeUnit madeTo(ComputeUnit unit) {
            unit.requireAllocated("rotate the SSH keys of");
            return unit.with(unit.tenancy().withKeys(sshPublicKeys));
        }
    }
}
