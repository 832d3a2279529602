package io.kloigos.client;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.Fleet;
import io.kloigos.KloigosListener;
import io.kloigos.Preview;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.IdempotencyKey;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.ReleaseCertificate;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Server;
import io.kloigos.model.Tags;
import io.kloigos.model.Tenant;
import io.kloigos.model.Tenants;
import io.kloigos.model.UnitChange;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.UnitUsage;
import java.time.Instant;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;

/**
 * A fleet that a server manages. Whatever is thrown has the code and the message that the embedded Kloigos throws;
 * besides, UNAUTHORIZED, FORBIDDEN or TOO_MANY_REQUESTS if the server does not let the caller do it, and SERVER_UNREACHABLE if
 * there is no answer. Thread-safe.
 *
 * <pre>{@code
 * try (Fleet fleet = RemoteKloigos.connect(ClientSettings.of("https://kloigos.example").withToken(token))) {
 *     ComputeUnit unit = fleet.allocate(new AllocateRequest(4, null, null, Tags.none(), key));
 * }
 * }</pre>
 *
 * <p>A write without an idempotency key of the caller's gets one for itself, so that it is repeated safely when its answer is
 * lost. Only {@link #cancel}, for which the server knows no key, is never repeated.
 *
 * <p>The API leaves some things out, which are then as if there were none: of a server's facts the file systems, disks,
 * volume groups and logical volumes, accounts, groups, directories, cgroup controllers and ports in use, and sshd's settings; a unit's limits before it was resized,
 * and its directory on a data disk; of a certificate the obstacles, and which kinds an operator accepted. A server's SSH
 * port and user are never null: where it has none of its own they are those of the server that manages it.
 */
public final class RemoteKloigos implements Fleet {
    private static final long SHORTEST_PAUSE = 50;
    private static final long LONGEST_PAUSE = 1000;

    private final ApiConnection api;
    private final CountDownLatch closed = new CountDownLatch(1);
    private final Set<RemoteListener> listeners = ConcurrentHashMap.newKeySet();

    private RemoteKloigos(ApiConnection api) {
        this.api = api;
    }

    /**
     * Returns the fleet of a server, which is first asked when something is wanted of it.
     *
     * @throws KloigosException INVALID_REQUEST if the token would go over plain HTTP to another machine, and the settings do
     *     not allow that
     */
    public static RemoteKloigos connect(ClientSettings settings) {
        return new RemoteKloigos(new ApiConnection(settings));
    }

    // The four verbs

    @Override
    public Operation initServer(InitServerRequest request, RequestKey key) {
        return begun(init(request).once(key));
    }

    @Override
    public Preview previewInit(InitServerRequest request) {
        return preview(init(request));
    }

    private static ApiRequest init(InitServerRequest request) {
        return ApiRequest.of("POST", "/api/admin/init_server").with(Bodies.of(request));
    }

    @Override
    public ComputeUnit allocate(AllocateRequest request, RequestKey key) {
        return unitAfter(allocation(request).once(key));
    }

    @Override
    public Preview previewAllocate(AllocateRequest request) {
        return preview(allocation(request));
    }

    private static ApiRequest allocation(AllocateRequest request) {
        if (request.owner() != null) {
            throw KloigosException.invalid(
                    "owner", "the server knows by the token whose a unit will be; ask without an owner");
        }
        return ApiRequest.of("POST", "/api/compute_units/allocate").with(Bodies.of(request));
    }

    @Override
    public Operation deallocate(ComputeId id, RequestKey key) {
        return begun(deallocation(id).once(key));
    }

    @Override
    public Preview previewDeallocate(ComputeId id) {
        return preview(deallocation(id));
    }

    private static ApiRequest deallocation(ComputeId id) {
        return ApiRequest.of("DELETE", "/api/compute_units/deallocate/{}", id.value());
    }

    @Override
    public Operation forceRelease(ComputeId id, Reason reason, RequestKey key) {
        return begun(ApiRequest.of("POST", "/api/compute_units/{}/force_release", id.value())
                .with(Bodies.of(reason))
                .once(key));
    }

    @Override
    public Operation decommission(DecommissionRequest request, RequestKey key) {
        return begun(decommissioning(request).once(key));
    }

    @Override
    public Preview previewDecommission(DecommissionRequest request) {
        return preview(decommissioning(request));
    }

    private static ApiRequest decommissioning(DecommissionRequest request) {
        return ApiRequest.of("DELETE", "/api/admin/decommission_server/{}", request.hostname())
                .with("force", request.tenants() == Tenants.EVICT)
                .with("wipe_data_disks", request.dataDisks() == DataDisks.WIPE);
    }

    // Changes of units in tenants' hands

    @Override
    public ComputeUnit change(ComputeId id, UnitChange change, RequestKey key) {
        return unitAfter(changing(id, change).once(key));
    }

    @Override
    public Preview previewChange(ComputeId id, UnitChange change) {
        return preview(changing(id, change));
    }

    private static ApiRequest changing(ComputeId id, UnitChange change) {
        if (change instanceof UnitChange.RotateKeys rotation) {
            return ApiRequest.of("PUT", "/api/compute_units/{}/ssh_keys", id.value())
                    .with(Bodies.of(rotation));
        }
        if (change instanceof UnitChange.Resize resize) {
            return ApiRequest.of("PATCH", "/api/compute_units/{}/limits", id.value())
                    .with(Bodies.of(resize.limits()));
        }
        return change instanceof UnitChange.Stop
                ? ApiRequest.of("POST", "/api/compute_units/{}/stop", id.value())
                : ApiRequest.of("POST", "/api/compute_units/{}/start", id.value());
    }

    @Override
    public ComputeUnit setTags(ComputeId id, Tags tags) {
        return unitAfter(
                ApiRequest.of("PUT", "/api/compute_units/{}/tags", id.value()).with(Bodies.of(tags)));
    }

    @Override
    public ComputeUnit setExpiry(ComputeId id, @Nullable Instant expiresAt) {
        return unitAfter(ApiRequest.of("PUT", "/api/compute_units/{}/expires_at", id.value())
                .with(Bodies.expiry(expiresAt)));
    }

    // Out of service

    @Override
    public Server cordon(String hostname, Reason reason, RequestKey key) {
        return serverAfter(ApiRequest.of("POST", "/api/servers/{}/cordon", hostname)
                .with(Bodies.of(reason))
                .once(key));
    }

    @Override
    public Server uncordon(String hostname, RequestKey key) {
        return serverAfter(
                ApiRequest.of("POST", "/api/servers/{}/uncordon", hostname).once(key));
    }

    @Override
    public Server forget(String hostname, Reason reason, RequestKey key) {
        return serverAfter(ApiRequest.of("POST", "/api/servers/{}/forget", hostname)
                .with(Bodies.of(reason))
                .once(key));
    }

    @Override
    public List<Operation> drain(DrainRequest request, RequestKey key) {
        JsonNode answer = api.send(draining(request).once(key)).body();
        return ModelReader.read(answer, body -> ModelReader.list(body.required("operations"), ModelReader::operation));
    }

    @Override
    public Preview previewDrain(DrainRequest request) {
        return preview(draining(request));
    }

    private static ApiRequest draining(DrainRequest request) {
        return ApiRequest.of("POST", "/api/servers/{}/drain", request.hostname())
                .with("force", request.tenants() == Tenants.EVICT)
                .with(Bodies.of(request.reason()));
    }

    @Override
    public ComputeUnit withdraw(ComputeId id, Reason reason, RequestKey key) {
        return unitAfter(ApiRequest.of("POST", "/api/compute_units/{}/withdraw", id.value())
                .with(Bodies.of(reason))
                .once(key));
    }

    @Override
    public ComputeUnit putBack(ComputeId id, RequestKey key) {
        return unitAfter(ApiRequest.of("POST", "/api/compute_units/{}/put_back", id.value())
                .once(key));
    }

    // Drift

    @Override
    public DriftReport checkDrift(String hostname) {
        return ModelReader.read(api.get("/api/servers/{}/drift", hostname), ModelReader::drift);
    }

    @Override
    public Optional<DriftReport> drift(String hostname) {
        server(hostname);
        try {
            ApiRequest request =
                    ApiRequest.of("GET", "/api/servers/{}/drift", hostname).with("kept", true);
            return Optional.of(ModelReader.read(api.send(request).body(), ModelReader::drift));
        } catch (KloigosException e) {
            if (e.code() == ErrorCode.NOT_FOUND) {
                return Optional.empty();
            }
            throw e;
        }
    }

    @Override
    public List<DriftReport> driftReports() {
        return ModelReader.readAll(api.get("/api/drift"), ModelReader::drift);
    }

    @Override
    public Operation repair(String hostname, RequestKey key) {
        return begun(repairing(hostname).once(key));
    }

    @Override
    public Preview previewRepair(String hostname) {
        return preview(repairing(hostname));
    }

    private static ApiRequest repairing(String hostname) {
        return ApiRequest.of("POST", "/api/servers/{}/repair", hostname);
    }

    // Questions

    @Override
    public UnitUsage usage(ComputeId id) {
        return ModelReader.read(api.get("/api/compute_units/{}/usage", id.value()), ModelReader::usage);
    }

    @Override
    public List<ComputeUnit> units(UnitFilter filter) {
        Tenant owner = filter.owner();
        ApiRequest request = ApiRequest.of("GET", "/api/compute_units")
                .with("compute_id", filter.computeId())
                .with("hostname", filter.hostname())
                .with("region", filter.region())
                .with("zone", filter.zone())
                .with("cpu_count", filter.cpuCount())
                .with("deployment_id", filter.deploymentId())
                .with("status", filter.status())
                .with("owner", owner == null ? null : owner.name());
        return ModelReader.readAll(api.send(request).body(), ModelReader::unit);
    }

    @Override
    public ComputeUnit unit(ComputeId id) {
        return ModelReader.read(api.get("/api/compute_units/{}", id.value()), ModelReader::unit);
    }

    @Override
    public ReleaseCertificate certificate(ComputeId id) {
        return ModelReader.read(api.get("/api/compute_units/{}/certificate", id.value()), ModelReader::certificate);
    }

    @Override
    public List<Server> servers() {
        return ModelReader.readAll(api.get("/api/servers"), ModelReader::server);
    }

    @Override
    public Server server(String hostname) {
        return ModelReader.read(api.get("/api/servers/{}", hostname), ModelReader::server);
    }

    @Override
    public Operation operation(String id) {
        return ModelReader.read(api.get("/api/operations/{}", id), ModelReader::operation);
    }

    @Override
    public Optional<Operation> operationOf(String idempotencyKey) {
        ApiRequest request =
                ApiRequest.of("GET", "/api/operations").with("idempotency_key", IdempotencyKey.valid(idempotencyKey));
        return ModelReader.readAll(api.send(request).body(), ModelReader::operation).stream()
                .findFirst()
                .map(begun -> operation(begun.id()));
    }

    @Override
    public List<Operation> operations(int most) {
        return ModelReader.readAll(api.list(ApiRequest.of("GET", "/api/operations"), most), ModelReader::operation);
    }

    @Override
    public Operation cancel(String operationId) {
        return ModelReader.read(
                api.send(ApiRequest.of("POST", "/api/operations/{}/cancel", operationId))
                        .body(),
                ModelReader::operation);
    }

    @Override
    public Operation retry(String operationId, RequestKey key) {
        return ModelReader.read(
                api.send(ApiRequest.of("POST", "/api/operations/{}/retry", operationId)
                                .once(key))
                        .body(),
                ModelReader::operation);
    }

    @Override
    public Operation await(String operationId) {
        Operation operation = operation(operationId);
        for (long pause = SHORTEST_PAUSE; !operation.state().isEnded(); pause = Math.min(2 * pause, LONGEST_PAUSE)) {
            if (isClosedWithin(pause)) {
                return operation;
            }
            operation = operation(operationId);
        }
        return operation;
    }

    private boolean isClosedWithin(long millis) {
        try {
            return closed.await(millis, TimeUnit.MILLISECONDS);
        } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
            return true;
        }
    }

    /**
     * From now on tells {@code listener} of every event, on a thread of its own, until the returned registration is closed. When
     * the connection is lost it is made again; what happens meanwhile is not told.
     */
    @Override
    public Registration listen(KloigosListener listener) {
        RemoteListener remote = new RemoteListener(api, listener);
        listeners.add(remote);
        remote.start();
        return () -> {
            listeners.remove(remote);
            remote.close();
        };
    }

    private Operation begun(ApiRequest request) {
        return operation(api.send(request).operationId());
    }

    private Preview preview(ApiRequest request) {
        JsonNode preview = api.send(request.dryRun()).body();
        if (!preview.has("server")) {
            throw new KloigosException(
                    ErrorCode.FORBIDDEN, "What would be done on a host is not for tenants; operators may see it.");
        }
        return ModelReader.read(preview, ModelReader::preview);
    }

    private ComputeUnit unitAfter(ApiRequest request) {
        return ModelReader.read(api.send(request).body(), ModelReader::unit);
    }

    private Server serverAfter(ApiRequest request) {
        return ModelReader.read(api.send(request).body(), ModelReader::server);
    }

    /** Tells listeners nothing more, and ends what waits for an operation; the server goes on. Closing twice does nothing. */
    @Override
    public void close() {
        closed.countDown();
        listeners.forEach(RemoteListener::close);
        listeners.clear();
    }
}
