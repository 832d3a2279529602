package io.kloigos.model;

import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;

/**
 * The status of a compute unit. The whole state machine is {@link #next()}: a change that is not listed there never
 * happens.
 */
public enum UnitStatus {
    /** Its server is being prepared. */
    INITIALIZING,
    /** Preparing its server failed; it can be tried again, or the server decommissioned. */
    INIT_FAIL,
    /** Staged, clean and ready to be allocated. */
    FREE,
    /** Being handed to a tenant. */
    ALLOCATING,
    /** In a tenant's hands: the tenant can log in. */
    ALLOCATED,
    /** Handing it out failed; it can be tried again, or deallocated, which cleans it. */
    ALLOCATION_FAIL,
    /** Being cleaned of its tenant. */
    DEALLOCATING,
    /** Cleaning could not be completed or proven: quarantined until deallocated again, or released by force. */
    DEALLOCATION_FAIL,
    /** Taken out of service by an operator. */
    UNAVAILABLE,
    /** Its server is being given back. */
    DECOMMISSIONING,
    /** Its server has been given back. */
    DECOMMISSIONED,
    /** Giving its server back failed. */
    DECOMMISSION_FAIL;

    /** Returns the statuses that may follow this one. */
    public Set<UnitStatus> next() {
        return switch (this) {
            case INITIALIZING -> EnumSet.of(FREE, INIT_FAIL);
            case INIT_FAIL -> EnumSet.of(INITIALIZING, DECOMMISSIONING, DECOMMISSIONED);
            case FREE -> EnumSet.of(ALLOCATING, UNAVAILABLE, DECOMMISSIONING);
            case ALLOCATING -> EnumSet.of(ALLOCATED, ALLOCATION_FAIL);
            case ALLOCATED, DEALLOCATION_FAIL -> EnumSet.of(DEALLOCATING, DECOMMISSIONING);
            case ALLOCATION_FAIL -> EnumSet.of(ALLOCATING, DEALLOCATING, DECOMMISSIONING);
            case DEALLOCATING -> EnumSet.of(FREE, DEALLOCATION_FAIL);
            case UNAVAILABLE -> EnumSet.of(FREE, DECOMMISSIONING);
            case DECOMMISSIONING -> EnumSet.of(DECOMMISSIONED, DECOMMISSION_FAIL);
            case DECOMMISSION_FAIL -> EnumSet.of(DECOMMISSIONING, DECOMMISSIONED);
            case DECOMMISSIONED -> EnumSet.of(INITIALIZING);
        };
    }

    /** Tells whether {@code status} may follow this one. */
    public boolean mayBecome(UnitStatus status) {
        return next().contains(status);
    }

    /** Tells whether a tenant may hold something on the host in this status. */
    public boolean holdsTenant() {
        return switch (this) {
            case ALLOCATING, ALLOCATED, ALLOCATION_FAIL, DEALLOCATING, DEALLOCATION_FAIL -> true;
            default -> false;
        };
    }

    /** Tells whether a unit in this status counts where units of a tenant are kept apart: it has the tenant, or may get it. */
    public boolean mayHaveOrGetTenant() {
        return switch (this) {
            case ALLOCATING, ALLOCATED, ALLOCATION_FAIL -> true;
            default -> false;
        };
    }

    /**
     * Returns the status that {@code text} names, in any case.
     *
     * @throws KloigosException INVALID_REQUEST if there is none
     */
    public static UnitStatus parse(String text) {
        for (UnitStatus status : values()) {
            if (status.name().equalsIgnoreCase(text)) {
                return status;
            }
        }
        throw KloigosException.invalid(
                "status",
                "there is no status \"" + text + "\"; there are "
                        + Set.of(values()).stream().sorted().toList());
    }

    /** Returns the name in lower case, as the API prints it. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT);
    }
}
