package io.kloigos.http;

import io.javalin.http.Context;
import io.kloigos.Kloigos;
import io.kloigos.Preview;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.model.SshEndpoint;
import java.io.IOException;
import java.util.Iterator;
import java.util.Map;
import java.util.stream.Stream;

/** How what Kloigos says is answered. Thread-safe. */
final class Answers {
    static final String JSON = "application/json";

    private final Kloigos kloigos;
    private final HttpSettings settings;

    Answers(Kloigos kloigos, HttpSettings settings) {
        this.kloigos = kloigos;
        this.settings = settings;
    }

    /** Returns the fleet as whoever sent the request may see it. */
    Kloigos fleet(Context context) {
        return Gate.fleet(kloigos, context);
    }

    void send(Context context, ComputeUnit unit) {
        AuditTrail.result(context, unit);
        SshEndpoint endpoint = kloigos.sshEndpoint(unit.hostname());
        send(context, ComputeUnitResponse.of(unit, endpoint.portOr(settings.sshPort()), endpoint.hostKey()));
    }

    void send(Context context, Server server) {
        send(context, response(server));
    }

    ServerResponse response(Server server) {
        return ServerResponse.of(server, settings);
    }

    void send(Context context, Preview preview) {
        send(context, PreviewResponse.of(preview, settings));
    }

    /** Answers that the work goes on in the background, and where to look at it. */
    void send(Context context, Operation operation) {
        ComputeId unit = operation.computeId();
        AuditTrail.target(context, unit == null ? operation.hostname() : unit.value());
        nameOperation(context, operation.id());
        send(context, Map.of());
    }

    void nameOperation(Context context, String id) {
        context.header("Location", "/api/operations/" + id).header("X-Operation-Id", id);
    }

    void send(Context context, Object body) {
        context.contentType(JSON).result(Json.write(body));
    }

    void sendAll(Context context, Stream<?> bodies) throws IOException {
        Iterator<?> each = bodies.iterator();
        // What fails now can be told still.
        boolean unused = each.hasNext();
        context.contentType(JSON);
        LongAnswer.send(context, out -> Json.writeArray(each, out));
    }
}
