package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Handler;
import io.kloigos.Kloigos;
import io.kloigos.Preview;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.DataDisks;
import io.kloigos.model.DecommissionRequest;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Tenants;
import java.time.InstantSource;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;

/** What each address of the API does. Thread-safe. */
final class Api {
    private static final int LONGEST_PAGE = 1000;

    private final Kloigos kloigos;
    private final HttpSettings settings;
    private final EventStream events;
    private final Answers answers;
    private final byte[] document;

    private final Gate gate;
    private final InstantSource clock;

    Api(Kloigos kloigos, HttpSettings settings, EventStream events, Gate gate, InstantSource clock) {
        this.gate = gate;
        this.clock = clock;
        this.kloigos = kloigos;
        this.settings = settings;
        this.events = events;
        this.answers = new Answers(kloigos, settings);
        this.document = WebFiles.resource("openapi.json");
    }

    void addTo(RoutesConfig routes) {
        routes.post("/api/compute_units/allocate", this::allocate);
        routes.delete("/api/compute_units/deallocate/{compute_id}", this::deallocate);
        get(routes, "/api/compute_units/{compute_id}", this::unit);
        get(routes, "/api/compute_units/{compute_id}/usage", this::usage);
        new ListsApi(kloigos, settings, answers, document).addTo(routes);
        new TenancyApi(answers).addTo(routes);
        new OutOfServiceApi(kloigos, answers).addTo(routes);
        new DriftApi(kloigos, answers).addTo(routes);
        get(routes, "/api/compute_units/{compute_id}/certificate", this::certificate);
        routes.post("/api/compute_units/{compute_id}/force_release", this::forceRelease);
        new SessionApi(gate).addTo(routes);
        new TokensApi(kloigos, gate, answers, clock).addTo(routes);
        new AuditApi(kloigos, answers).addTo(routes);
        routes.post("/api/admin/init_server", this::initServer);
        routes.delete("/api/admin/decommission_server/{hostname}", this::decommissionServer);
        get(routes, "/api/servers/{hostname}", this::server);
        get(routes, "/api/operations/{id}", this::operation);
        routes.post("/api/operations/{id}/cancel", this::cancel);
        routes.post("/api/operations/{id}/retry", this::retry);
        get(routes, "/api/events", this::events);
        get(routes, "/api/openapi.json", this::document);
        get(routes, "/api/healthz", this::health);
        get(routes, "/healthz", this::health);
    }

    static void get(RoutesConfig routes, String path, Handler handler) {
        routes.get(path, handler);
        // Without this a HEAD request would succeed whatever GET says.
        routes.head(path, handler);
    }

    // The four verbs

    private void allocate(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Boolean> dryRun = reader.query(RequestReader::dryRun);
        Optional<AllocateRequest> body = reader.body(RequestTypes.ALLOCATE);
        place(reader).ifPresent(place -> AuditTrail.target(context, place));
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        AllocateRequest request = body.orElseThrow();
        if (dryRun.orElseThrow()) {
            preview(context, answers.fleet(context).previewAllocate(request));
        } else {
            Kloigos fleet = answers.fleet(context);
            ComputeUnit unit = fleet.allocate(request, key.orElseThrow());
            answers.send(context, unit);
        }
    }

    /** A tenant is told what it would get, and not where: that would tell how full which server is with others. */
    private void preview(Context context, Preview preview) {
        if (AccessRules.mayDryRun(Gate.caller(context).role())) {
            answers.send(context, preview);
        } else {
            answers.send(context, TenantPreviewResponse.of(preview));
        }
    }

    /** Returns what the audit log names while there is no unit, and if there will be none. */
    private static Optional<String> place(RequestReader reader) {
        Optional<String> region = reader.named("region");
        Optional<String> zone = reader.named("zone");
        return region.isEmpty() && zone.isEmpty()
                ? Optional.empty()
                : Optional.of(region.orElse("*") + "/" + zone.orElse("*"));
    }

    private void deallocate(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Boolean> dryRun = reader.query(RequestReader::dryRun);
        Optional<ComputeId> path = reader.path("compute_id", ComputeId::new);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        ComputeId id = path.orElseThrow();
        Kloigos fleet = answers.fleet(context);
        if (dryRun.orElseThrow()) {
            answers.send(context, fleet.previewDeallocate(id));
        } else {
            answers.send(context, fleet.deallocate(id, key.orElseThrow()));
        }
    }

    private void forceRelease(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> path = reader.path("compute_id", ComputeId::new);
        Optional<Reason> body = reader.body(RequestTypes.REASON);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        ComputeId id = path.orElseThrow();
        Reason reason = body.orElseThrow();
        answers.send(context, kloigos.forceRelease(id, reason, key.orElseThrow()));
    }

    private void initServer(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Boolean> dryRun = reader.query(RequestReader::dryRun);
        Optional<InitServerRequest> body = reader.body(RequestTypes.INIT);
        reader.named("hostname").ifPresent(hostname -> AuditTrail.target(context, hostname));
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        InitServerRequest request = body.orElseThrow();
        if (dryRun.orElseThrow()) {
            answers.send(context, kloigos.previewInit(request));
        } else {
            Operation begun = kloigos.initServer(request, key.orElseThrow());
            WarningHeader.values(kloigos.server(begun.hostname()).warnings())
                    .forEach(value -> context.res().addHeader(WarningHeader.NAME, value));
            answers.send(context, begun);
        }
    }

    private void decommissionServer(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Decommission> query = reader.query(fields -> new Decommission(
                RequestReader.flag(fields, "force") ? Tenants.EVICT : Tenants.REFUSE,
                RequestReader.flag(fields, "wipe_data_disks") ? DataDisks.WIPE : DataDisks.KEEP,
                RequestReader.dryRun(fields)));
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        Decommission asked = query.orElseThrow();
        DecommissionRequest request =
                new DecommissionRequest(context.pathParam("hostname"), asked.tenants(), asked.dataDisks());
        if (asked.dryRun()) {
            answers.send(context, kloigos.previewDecommission(request));
        } else {
            answers.send(context, kloigos.decommission(request, key.orElseThrow()));
        }
    }

    private record Decommission(Tenants tenants, DataDisks dataDisks, boolean dryRun) {}

    // Questions

    private void unit(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> id = reader.path("compute_id", ComputeId::new);
        reader.finish();
        answers.send(context, answers.fleet(context).unit(id.orElseThrow()));
    }

    private void certificate(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> id = reader.path("compute_id", ComputeId::new);
        reader.finish();
        answers.send(context, CertificateResponse.of(kloigos.certificate(id.orElseThrow())));
    }

    private void usage(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> id = reader.path("compute_id", ComputeId::new);
        reader.finish();
        answers.send(context, UsageResponse.of(answers.fleet(context).usage(id.orElseThrow())));
    }

    private void server(Context context) {
        new RequestReader(context).withoutQuery().finish();
        answers.send(context, ServerResponse.of(kloigos.server(context.pathParam("hostname")), settings));
    }

    static int limit(String text) {
        int limit = RequestReader.integer(text);
        if (limit < 1 || limit > LONGEST_PAGE) {
            throw KloigosException.invalid("limit", "is 1 to " + LONGEST_PAGE);
        }
        return limit;
    }

    private void operation(Context context) {
        new RequestReader(context).withoutQuery().finish();
        answers.send(context, OperationResponse.of(answers.fleet(context).operation(context.pathParam("id"))));
    }

    private void cancel(Context context) {
        new RequestReader(context).withoutQuery().finish();
        answers.send(context, OperationResponse.of(kloigos.cancel(context.pathParam("id"))));
    }

    private void retry(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        String id = context.pathParam("id");
        answers.send(context, OperationResponse.of(kloigos.retry(id, key.orElseThrow())));
    }

    private void events(Context context) {
        new RequestReader(context).withoutQuery().finish();
        events.serve(context, gate);
    }

    private void document(Context context) {
        new RequestReader(context).withoutQuery().finish();
        context.contentType(Answers.JSON).result(document);
    }

    private void health(Context context) {
        answers.send(
                context,
                settings.hosts() == HttpSettings.Hosts.SIMULATED
                        ? new TreeMap<>(Map.of("status", "ok", "simulated", true))
                        : Map.of("status", "ok"));
    }
}
