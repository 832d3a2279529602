package io.kloigos.inventory;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tenancy;
import io.kloigos.model.UnitLimits;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/** What a unit will be once the operation that changes it has succeeded. */
record Wanted(
        List<SshPublicKey> sshPublicKeys,
        @Nullable Instant stoppedAt,
        @Nullable UnitLimits resizedTo) {
    Wanted {
        sshPublicKeys = List.copyOf(sshPublicKeys);
    }

    static Wanted of(ComputeUnit changed) {
        return new Wanted(
                changed.sshPublicKeys(), changed.stoppedAt(), changed.tenancy().resizedTo());
    }

    /** Returns the unit made so. */
    ComputeUnit appliedTo(ComputeUnit unit) {
        Tenancy tenancy = unit.tenancy().withKeys(sshPublicKeys);
        if (resizedTo != null) {
            tenancy = tenancy.resized(resizedTo);
        }
        return unit.with(stoppedAt == null ? tenancy.running() : tenancy.stopped(stoppedAt));
    }
}
