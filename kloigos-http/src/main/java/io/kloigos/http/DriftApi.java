package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.kloigos.Kloigos;
import io.kloigos.model.ComputeId;
import io.kloigos.model.DriftReport;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.RequestKey;
import java.util.Optional;
import java.util.function.Function;
import java.util.function.Predicate;

/** What the addresses do that compare hosts with the inventory. Thread-safe. */
final class DriftApi {
    private final Kloigos kloigos;
    private final Answers answers;

    DriftApi(Kloigos kloigos, Answers answers) {
        this.kloigos = kloigos;
        this.answers = answers;
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, "/api/drift", this::ofAllServers);
        Api.get(routes, "/api/servers/{hostname}/drift", this::ofServer);
        Api.get(routes, "/api/compute_units/{compute_id}/drift", this::ofUnit);
        routes.post("/api/servers/{hostname}/repair", this::repair);
    }

    private void ofAllServers(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Predicate<DriftReport>> query = reader.query(DriftApi::filter);
        reader.finish();
        answers.send(
                context,
                kloigos.driftReports().stream()
                        .filter(query.orElseThrow())
                        .map(DriftResponse::of)
                        .toList());
    }

    private static Predicate<DriftReport> filter(JsonFields query) {
        boolean leaveOutEqual = RequestReader.flag(query, "different");
        String hostname = query.optional("hostname", JsonType.text(), null);
        return report -> (!leaveOutEqual || !report.deviations().isEmpty())
                && (hostname == null || report.hostname().equalsIgnoreCase(hostname));
    }

    private void ofServer(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Function<String, DriftReport>> look = reader.query(this::look);
        reader.finish();
        DriftReport report = look.orElseThrow().apply(context.pathParam("hostname"));
        answers.send(context, DriftResponse.of(report));
    }

    private void ofUnit(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<ComputeId> path = reader.path("compute_id", ComputeId::new);
        Optional<Function<String, DriftReport>> look = reader.query(this::look);
        reader.finish();
        ComputeId id = path.orElseThrow();
        DriftReport report =
                look.orElseThrow().apply(answers.fleet(context).unit(id).hostname());
        answers.send(context, DriftResponse.of(report.of(id)));
    }

    private Function<String, DriftReport> look(JsonFields query) {
        return RequestReader.flag(query, "kept") ? this::kept : kloigos::checkDrift;
    }

    private DriftReport kept(String hostname) {
        return kloigos.drift(hostname).orElseThrow(() -> neverLookedAt(hostname));
    }

    private static KloigosException neverLookedAt(String hostname) {
        return new KloigosException(
                ErrorCode.NOT_FOUND,
                "Nobody has looked at " + hostname + " for drift yet. Ask without kept=true to look now.");
    }

    private void repair(Context context) {
        RequestReader reader = new RequestReader(context);
        Optional<Boolean> dryRun = reader.query(RequestReader::dryRun);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        String hostname = context.pathParam("hostname");
        if (dryRun.orElseThrow()) {
            answers.send(context, kloigos.previewRepair(hostname));
        } else {
            answers.send(context, kloigos.repair(hostname, key.orElseThrow()));
        }
    }
}
