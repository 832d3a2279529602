package io.kloigos;

import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.DriftReport;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Server;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitUsage;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/**
 * A fleet of servers cut into compute units: the four verbs, and what can be asked. {@link Kloigos} is one that this process
 * manages itself; {@code io.kloigos.client.RemoteKloigos} is one that a server manages. Safe for use by many threads. All
 * methods throw {@link KloigosException} only: besides what each names, STORE_FAILED if the database fails, and SHUTTING_DOWN
 * from those that change something once whoever manages the fleet is being closed.
 */
public interface Fleet extends AutoCloseable {
    // The four verbs

    /**
     * Brings a host under management and returns the operation that prepares it, which goes on in the background. The host is
     * reached and its facts are checked first, so what speaks against it is thrown before anything is written or touched.
     *
     * @throws KloigosException ALREADY_MANAGED; HOST_UNSUITABLE with every fault; codes of kind HOST if it cannot be reached
     */
    default Operation initServer(InitServerRequest request) {
        return initServer(request, RequestKey.none());
    }

    /**
     * As {@link #initServer(InitServerRequest)}, once for all calls with this key.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Operation initServer(InitServerRequest request, RequestKey key);

    /** Returns what {@link #initServer} would do, and throws what it would throw. */
    Preview previewInit(InitServerRequest request);

    /**
     * Hands a free unit to a tenant and returns it when the tenant can log in.
     *
     * @throws KloigosException NO_CAPACITY with what would fit; INVALID_REQUEST if it would have expired already; codes of
     *     kind HOST if the host could not be made ready, after which the unit is allocation_fail
     */
    default ComputeUnit allocate(AllocateRequest request) {
        return allocate(request, RequestKey.none());
    }

    /**
     * As {@link #allocate(AllocateRequest)}, once for all calls with this key: a later call waits for the first, returns the
     * same unit, or throws what made the first fail.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request; WRONG_STATE if the unit
     *     was given back since
     */
    ComputeUnit allocate(AllocateRequest request, RequestKey key);

    /** Returns what {@link #allocate} would do now, and throws what it would throw. */
    Preview previewAllocate(AllocateRequest request);

    /**
     * Takes a unit back and returns the operation that erases its tenant, which goes on in the background.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is in no tenant's hands, or a change is under way on it
     */
    default Operation deallocate(ComputeId id) {
        return deallocate(id, RequestKey.none());
    }

    /**
     * As {@link #deallocate(ComputeId)}, once for all calls with this key.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Operation deallocate(ComputeId id, RequestKey key);

    /**
     * Releases a quarantined unit although something of its tenant is left, and returns the operation, which goes on in the
     * background. The kinds that stood in the way are left as they are; everything else is erased and proven as usual, and no
     * unit is released with processes of its tenant. The reason stands in the certificate, in the unit and in the audit log.
     *
     * @param reason why this may be
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the unit is not deallocation_fail, if it was not a
     *     trace that stood in the way, or if it was processes
     */
    default Operation forceRelease(ComputeId id, Reason reason) {
        return forceRelease(id, reason, RequestKey.none());
    }

    /**
     * As {@link #forceRelease(ComputeId, Reason)}, once for all calls with this key.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Operation forceRelease(ComputeId id, Reason reason, RequestKey key);

    /** Returns what {@link #deallocate} would do now, and throws what it would throw. */
    Preview previewDeallocate(ComputeId id);

    /**
     * Gives a server back and returns the operation that removes every trace of Kloigos from it, which goes on in the
     * background.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if units are allocated and the request does not evict, or if something
     *     is under way on the server
     */
    default Operation decommission(DecommissionRequest request) {
        return decommission(request, RequestKey.none());
    }

    /**
     * As {@link #decommission(DecommissionRequest)}, once for all calls with this key.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Operation decommission(DecommissionRequest request, RequestKey key);

    /** Returns what {@link #decommission} would do now, and throws what it would throw. */
    Preview previewDecommission(DecommissionRequest request);

    // Changes of units in tenants' hands

    /**
     * Changes a unit while it is in a tenant's hands, and returns it when the host has been read back.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if this cannot be changed now; codes of kind HOST if the host could not
     *     be changed, after which the unit is allocated as before and has the reason; retry the operation, or make another change
     */
    default ComputeUnit change(ComputeId id, UnitChange change) {
        return change(id, change, RequestKey.none());
    }

    /**
     * As {@link #change(ComputeId, UnitChange)}, once for all calls with this key: a later call waits for the first, and returns
     * the unit as it is or throws what made the first fail.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request; WRONG_STATE if the unit
     *     was given back since
     */
    ComputeUnit change(ComputeId id, UnitChange change, RequestKey key);

    /** Returns what {@link #change} would do now, and throws what it would throw. */
    Preview previewChange(ComputeId id, UnitChange change);

    /**
     * Gives a unit in a tenant's hands these tags and no others, and returns it. Its host is not touched.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is not allocated
     */
    ComputeUnit setTags(ComputeId id, Tags tags);

    /**
     * Sets when a unit is taken back from its tenant, and returns it. From then on it is deallocated as soon as a replica
     * looks, and no operation is under way on it. Listeners are told {@link KloigosBuilder#expiryNotice} before.
     *
     * @param expiresAt in the future; null if only on request
     * @throws KloigosException NOT_FOUND; INVALID_REQUEST; WRONG_STATE if it is not allocated
     */
    ComputeUnit setExpiry(ComputeId id, @Nullable Instant expiresAt);

    // Out of service

    /**
     * Lets a server get no new tenants, and returns it; those that it has stay. One that is cordoned already gets the reason.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is decommissioned
     */
    default Server cordon(String hostname, Reason reason) {
        return cordon(hostname, reason, RequestKey.none());
    }

    /**
     * As {@link #cordon(String, Reason)}, once for all calls with this key: a later one changes nothing, and returns the server as it is now.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Server cordon(String hostname, Reason reason, RequestKey key);

    /**
     * Lets a server get tenants again, and returns it.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is decommissioned
     */
    default Server uncordon(String hostname) {
        return uncordon(hostname, RequestKey.none());
    }

    /**
     * As {@link #uncordon(String)}, once for all calls with this key: a later one changes nothing, and returns the server as it is now.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Server uncordon(String hostname, RequestKey key);

    /**
     * Writes down that a server is gone for good with everything on it, and returns it, decommissioned. Nothing is done on a host:
     * what tenants left there stays there.
     *
     * @param reason why nobody can erase it
     * @throws KloigosException NOT_FOUND; WRONG_STATE if neither its init nor its decommission failed
     */
    default Server forget(String hostname, Reason reason) {
        return forget(hostname, reason, RequestKey.none());
    }

    /**
     * As {@link #forget(String, Reason)}, once for all calls with this key: a later one changes nothing, and returns the server as it is now.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Server forget(String hostname, Reason reason, RequestKey key);

    /**
     * Cordons a server and takes back every unit that is in a tenant's hands. Returns the operations that erase the tenants,
     * which go on in the background; those that do so already are among them.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if there are tenants and the request does not evict, or if something
     *     else is under way on a unit; then nothing was changed
     */
    default List<Operation> drain(DrainRequest request) {
        return drain(request, RequestKey.none());
    }

    /**
     * As {@link #drain(DrainRequest)}, once for all calls with this key. A drain that found no tenant began nothing, and is not
     * remembered.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    List<Operation> drain(DrainRequest request, RequestKey key);

    /** Returns what {@link #drain} would do now, and throws what it would throw. */
    Preview previewDrain(DrainRequest request);

    /**
     * Takes a free unit out of service, so that no tenant gets it, and returns it.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is not free
     */
    default ComputeUnit withdraw(ComputeId id, Reason reason) {
        return withdraw(id, reason, RequestKey.none());
    }

    /**
     * As {@link #withdraw(ComputeId, Reason)}, once for all calls with this key: a later one changes nothing, and returns the unit as it is now.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    ComputeUnit withdraw(ComputeId id, Reason reason, RequestKey key);

    /**
     * Puts a unit that was withdrawn back into service, and returns it.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it is not unavailable
     */
    default ComputeUnit putBack(ComputeId id) {
        return putBack(id, RequestKey.none());
    }

    /**
     * As {@link #putBack(ComputeId)}, once for all calls with this key: a later one changes nothing, and returns the unit as it is now.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    ComputeUnit putBack(ComputeId id, RequestKey key);

    // Drift

    /**
     * Looks, in one round trip, whether a server and its units are as the inventory says, and returns what differs. Units on
     * which something is under way, or failed, are left out.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the server is not ready; codes of kind HOST
     */
    DriftReport checkDrift(String hostname);

    /**
     * Returns what the newest look at a server found; empty if nobody looked yet.
     *
     * @throws KloigosException NOT_FOUND
     */
    Optional<DriftReport> drift(String hostname);

    /** Returns what the newest looks at all servers that are ready found, by their names; those at which nobody looked are left out. */
    List<DriftReport> driftReports();

    /**
     * Looks at a server anew and returns the operation that mends what differs, which goes on in the background. What tenants
     * run goes on too. Nothing is mended that only an operator can: see {@link io.kloigos.model.FactKind#remedy}.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the server is not ready or something is under way on it; codes of
     *     kind HOST if it cannot be looked at
     */
    default Operation repair(String hostname) {
        return repair(hostname, RequestKey.none());
    }

    /**
     * As {@link #repair(String)}, once for all calls with this key.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Operation repair(String hostname, RequestKey key);

    /** Returns what {@link #repair} would do now, and throws what it would throw. */
    Preview previewRepair(String hostname);

    // Questions

    /**
     * Asks a unit's host what the unit uses now, in one round trip, and returns what it says.
     *
     * @throws KloigosException NOT_FOUND; codes of kind HOST
     */
    UnitUsage usage(ComputeId id);

    /** Returns the units that pass the filter, by server and by their order on it. */
    List<ComputeUnit> units(UnitFilter filter);

    /**
     * Returns the unit of this name.
     *
     * @throws KloigosException NOT_FOUND
     */
    ComputeUnit unit(ComputeId id);

    /**
     * Returns what was known of the tenant's traces when the unit's last deallocation ended.
     *
     * @throws KloigosException NOT_FOUND if there is no such unit, or it was never deallocated
     */
    ReleaseCertificate certificate(ComputeId id);

    /** Returns the servers, by host name. */
    List<Server> servers();

    /**
     * Returns the server of this name.
     *
     * @throws KloigosException NOT_FOUND
     */
    Server server(String hostname);

    /**
     * Returns the operation of this id, with its steps as they now are.
     *
     * @throws KloigosException NOT_FOUND
     */
    Operation operation(String id);

    /**
     * Returns the operation that a request with this idempotency key began, with its steps as they now are: what an allocation
     * is about, for instance, while another thread waits for its answer.
     *
     * @param idempotencyKey the caller's own text for that request
     * @return empty if no such request has begun anything, or what it began is not kept any more
     * @throws KloigosException INVALID_REQUEST if no key may be so
     */
    Optional<Operation> operationOf(String idempotencyKey);

    /** Returns the newest operations, without their steps, the newest first; as many as there are, if {@code most} is more. */
    List<Operation> operations(int most);

    /**
     * Asks for an operation to end before its next step, and returns it as it now is; {@link #await} tells when it has ended.
     * What it began stays as it is: the unit or server has a status of failure, from which it can be retried or undone.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it has ended; codes of kind HOST if the host could not be told, which
     *     may carry on with what it does
     */
    Operation cancel(String operationId);

    /**
     * Begins another attempt at an operation that failed or was cancelled, and returns it; it goes on in the background.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it did not fail, or if something else was done to the unit or server
     *     since
     */
    default Operation retry(String operationId) {
        return retry(operationId, RequestKey.none());
    }

    /**
     * As {@link #retry(String)}, once for all calls with this key.
     *
     * @throws KloigosException as without a key; KEY_REUSED if the key was used for another request
     */
    Operation retry(String operationId, RequestKey key);

    /**
     * Returns the operation once it has ended, here or at another replica. When this is closed, or the thread interrupted, it
     * is returned as it then is.
     *
     * @throws KloigosException NOT_FOUND; STORE_FAILED if this is closed already
     */
    Operation await(String operationId);

    /** From now on tells {@code listener} of every event, until the returned registration is closed. */
    Registration listen(KloigosListener listener);

    /** A listener's registration. */
    @FunctionalInterface
    interface Registration extends AutoCloseable {
        /** The listener is told no more. */
        @Override
        void close();
    }

    /** Ends what this does in the background, and releases what it holds. Closing twice does nothing. */
    @Override
    void close();
}
