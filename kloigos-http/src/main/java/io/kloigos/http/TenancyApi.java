package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.kloigos.Kloigos;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitChange;
import java.time.Instant;
import java.util.Optional;
import java.util.function.Function;

/** What the addresses do that change units in tenants' hands. Thread-safe. */
final class TenancyApi {
    private final Answers answers;

    TenancyApi(Answers answers) {
        this.answers = answers;
    }

    void addTo(RoutesConfig routes) {
        routes.put(
                "/api/compute_units/{compute_id}/ssh_keys",
                context -> change(context, reader -> reader.body(RequestTypes.ROTATE_KEYS)));
        routes.patch(
                "/api/compute_units/{compute_id}/limits",
                context -> change(context, reader -> reader.body(RequestTypes.RESIZE)));
        routes.post(
                "/api/compute_units/{compute_id}/stop",
                context -> change(context, reader -> Optional.of(new UnitChange.Stop())));
        routes.post(
                "/api/compute_units/{compute_id}/start",
                context -> change(context, reader -> Optional.of(new UnitChange.Start())));
        routes.put("/api/compute_units/{compute_id}/tags", this::tags);
        routes.put("/api/compute_units/{compute_id}/expires_at", this::expiry);
    }

    private void tags(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> id = reader.path("compute_id", ComputeId::new);
        Optional<Tags> tags = reader.body(RequestTypes.SET_TAGS);
        reader.finish();
        answers.send(context, answers.fleet(context).setTags(id.orElseThrow(), tags.orElseThrow()));
    }

    private void expiry(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<ComputeId> id = reader.path("compute_id", ComputeId::new);
        Optional<Optional<Instant>> expiresAt = reader.body(RequestTypes.SET_EXPIRY);
        reader.finish();
        answers.send(
                context,
                answers.fleet(context)
                        .setExpiry(id.orElseThrow(), expiresAt.orElseThrow().orElse(null)));
    }

    private void change(Context context, Function<RequestReader, Optional<UnitChange>> read) {
        RequestReader reader = new RequestReader(context);
        Optional<Boolean> dryRun = reader.query(RequestReader::dryRun);
        Optional<ComputeId> id = reader.path("compute_id", ComputeId::new);
        Optional<UnitChange> change = read.apply(reader);
        Optional<RequestKey> key = reader.requestKey();
        reader.finish();
        if (dryRun.orElseThrow()) {
            answers.send(context, answers.fleet(context).previewChange(id.orElseThrow(), change.orElseThrow()));
        } else {
            change(context, id.orElseThrow(), change.orElseThrow(), key.orElseThrow());
        }
    }

    private void change(Context context, ComputeId id, UnitChange change, RequestKey key) {
        Kloigos fleet = answers.fleet(context);
        ComputeUnit unit = fleet.change(id, change, key);
        answers.nameOperation(context, String.valueOf(unit.operationId()));
        answers.send(context, unit);
    }
}
