package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.kloigos.Kloigos;
import io.kloigos.model.ComputeId;
import io.kloigos.model.DrainRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Reason;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Server;
import io.kloigos.model.Tenants;
import java.util.List;
import java.util.Optional;

/** What the addresses do by which operators take something out of service. Thread-safe. */
final class OutOfServiceApi {
    private final Kloigos kloigos;
    private final Answers answers;

    OutOfServiceApi(Kloigos kloigos, Answers answers) {
        this.kloigos = kloigos;
        this.answers = answers;
    }

    void addTo(RoutesConfig routes) {
        routes.post("/api/servers/{hostname}/cordon", context -> change(context, kloigos::cordon));
        routes.post("/api/servers/{hostname}/uncordon", this::uncordon);
        routes.post("/api/servers/{hostname}/drain", this::drain);
        routes.post("/api/servers/{hostname}/forget", context -> change(context, kloigos::forget));
        routes.post("/api/compute_units/{compute_id}/withdraw", this::withdraw);
        routes.post("/api/compute_units/{compute_id}/put_back", this::putBack);
    }

    /** What is done to a server for a reason. */
    private interface Change {
        Server make(String hostname, Reason reason, RequestKey key);
    }

    private void change(Context context, Change change) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<Reason> body = reader.body(RequestTypes.REASON);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        String hostname = context.pathParam("hostname");
        Reason reason = body.orElseThrow();
        answers.send(context, change.make(hostname, reason, key.orElseThrow()));
    }

    private void uncordon(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        String hostname = context.pathParam("hostname");
        answers.send(context, kloigos.uncordon(hostname, key.orElseThrow()));
    }

    private void withdraw(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> path = reader.path("compute_id", ComputeId::new);
        Optional<Reason> body = reader.body(RequestTypes.REASON);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        ComputeId id = path.orElseThrow();
        Reason reason = body.orElseThrow();
        answers.send(context, kloigos.withdraw(id, reason, key.orElseThrow()));
    }

    private void putBack(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> path = reader.path("compute_id", ComputeId::new);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        ComputeId id = path.orElseThrow();
        answers.send(context, kloigos.putBack(id, key.orElseThrow()));
    }

    private record Drain(Tenants tenants, boolean dryRun) {}

    private void drain(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Drain> query = reader.query(fields -> new Drain(
                RequestReader.flag(fields, "force") ? Tenants.EVICT : Tenants.REFUSE, RequestReader.dryRun(fields)));
        Optional<Reason> reason = reader.body(RequestTypes.REASON);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        Drain asked = query.orElseThrow();
        DrainRequest request = new DrainRequest(context.pathParam("hostname"), reason.orElseThrow(), asked.tenants());
        if (asked.dryRun()) {
            answers.send(context, kloigos.previewDrain(request));
        } else {
            List<Operation> operations = kloigos.drain(request, key.orElseThrow());
            answers.send(
                    context,
                    new DrainResponse(
                            answers.response(kloigos.server(request.hostname())),
                            operations.stream()
                                    .map(OperationResponse::withoutSteps)
                                    .toList()));
        }
    }
}
