package io.kloigos.inventory;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.SshPublicKey;
import java.util.List;

/** What a unit will be once the operation that changes it has succeeded. */
record Wanted(List<SshPublicKey> sshPublicKeys) {
    Wanted {
        sshPublicKeys = List.copyOf(sshPublicKeys);
    }

    static Wanted of(ComputeUnit changed) {
        return new Wanted(changed.sshPublicKeys());
    }

    /** Returns the unit made so. */
    ComputeUnit appliedTo(ComputeUnit unit) {
        return unit.with(unit.tenancy().withKeys(sshPublicKeys));
    }
}
