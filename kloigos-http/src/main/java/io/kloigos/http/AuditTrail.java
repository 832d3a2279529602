package io.kloigos.http;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.kloigos.Kloigos;
import io.kloigos.http.TokensApi.TokenResponse;
import io.kloigos.model.ApiToken;
import io.kloigos.model.AuditEntry;
import io.kloigos.model.AuditEntry.Outcome;
import io.kloigos.model.Caller;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.KloigosException;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.time.InstantSource;
import java.util.HashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Writes to the audit log what requests do. An entry is written before anything is changed, so nothing is changed that could
 * not be written down, and one that was begun and never ended is seen as such. Thread-safe.
 */
final class AuditTrail {
    private static final Logger LOG = LoggerFactory.getLogger(AuditTrail.class);
    private static final Map<String, Described> DESCRIBED = described();

    private static final String BEGUN = "kloigos.audit.begun";
    private static final String SEEN = "kloigos.audit.seen";
    private static final String TARGET = "kloigos.audit.target";
    private static final String RESULT = "kloigos.audit.result";
    private static final String DETAIL = "kloigos.audit.detail";
    private static final int LONGEST_DETAIL = 2000;

    /** What does not change by a request. */
    private static final Set<String> LEFT_OUT =
            Set.of("facts", "settings", "warnings", "ssh_port", "created_by", "last_used_at");

    private static final Set<HttpStatus> REFUSALS =
            Set.of(HttpStatus.UNAUTHORIZED, HttpStatus.FORBIDDEN, HttpStatus.TOO_MANY_REQUESTS);

    private final Kloigos kloigos;
    private final HttpSettings settings;
    private final InstantSource clock;

    AuditTrail(Kloigos kloigos, HttpSettings settings, InstantSource clock) {
        this.kloigos = kloigos;
        this.settings = settings;
        this.clock = clock;
    }

    /** A request as the API document describes it. */
    private record Described(String action, boolean hasDryRun) {
        static Described of(JsonNode operation) {
            return new Described(
                    operation.get("operationId").asText(),
                    operation.path("parameters").findValuesAsText("name").contains("dry_run"));
        }
    }

    private static Map<String, Described> described() {
        Map<String, Described> described = new HashMap<>();
        Json.read(WebFiles.resource("openapi.json"))
                .get("paths")
                .properties()
                .forEach(path -> path.getValue()
                        .properties()
                        .forEach(method -> described.put(
                                method.getKey().toUpperCase(Locale.ROOT) + " " + path.getKey(),
                                Described.of(method.getValue()))));
        return Map.copyOf(described);
    }

    /** Returns what a request is called in the log. */
    static String action(String route) {
        Described known = DESCRIBED.get(route);
        return known == null ? route : known.action();
    }

    /** Tells whether the request can be told only to say what it would do. */
    static boolean hasDryRun(String route) {
        Described known = DESCRIBED.get(route);
        return known != null && known.hasDryRun();
    }

    /** Writes that something is about to be done. */
    void begin(Context context, Caller caller, String action) {
        AuditEntry entry = entry(context, caller, action, Outcome.BEGUN, null);
        context.attribute(SEEN, look(context.pathParamMap()));
        long number = kloigos.access().auditLog().add(entry);
        context.attribute(BEGUN, entry.numbered(number));
    }

    /** Names what the request turned out to be about. */
    static void target(Context context, String name) {
        context.attribute(TARGET, shortened(name));
    }

    /** Tells what the request turned out to be about, and what that is after it. */
    static void result(Context context, ComputeUnit unit) {
        target(context, unit.id().value());
        context.attribute(RESULT, tree(unit));
    }

    /** Tells which token the request has made, as it is at that time. */
    static void result(Context context, ApiToken token, Instant now) {
        target(context, token.id());
        context.attribute(RESULT, tree(token, now));
    }

    /** Notes why the request is refused or has failed. */
    static void detail(Context context, String why) {
        context.attribute(DETAIL, why.length() <= LONGEST_DETAIL ? why : why.substring(0, LONGEST_DETAIL) + "...");
    }

    /** Writes how what was begun has ended. */
    void end(Context context) {
        AuditEntry begun = context.attribute(BEGUN);
        if (begun == null) {
            return;
        }
        String found = context.attribute(TARGET);
        String target = found == null ? begun.target() : found;
        try {
            JsonNode before = context.attribute(SEEN);
            JsonNode result = context.attribute(RESULT);
            JsonNode after = result == null ? lookAfter(context, target) : result;
            kloigos.access()
                    .auditLog()
                    .end(begun.ended(
                            outcome(context.status()),
                            target,
                            differing(before, after),
                            differing(after, before),
                            context.attribute(DETAIL)));
        } catch (RuntimeException e) {
            // The answer stands: it was done. The entry goes on saying that it was begun.
            LOG.error(
                    "The audit log does not say how request {} ended: {} {} by {} from {} was answered with {}",
                    begun.requestId(),
                    begun.action(),
                    target,
                    begun.who(),
                    begun.address(),
                    context.status().getCode(),
                    e);
        }
    }

    private static Outcome outcome(HttpStatus status) {
        if (REFUSALS.contains(status)) {
            return Outcome.REFUSED;
        }
        return status.isSuccess() ? Outcome.SUCCEEDED : Outcome.FAILED;
    }

    /** Writes that somebody was refused. */
    void refused(Context context, @Nullable Caller caller, String action, String detail) {
        note(context, caller, action, Outcome.REFUSED, detail);
    }

    /** Writes what was done, or refused, at once. */
    void note(Context context, @Nullable Caller caller, String action, Outcome outcome, @Nullable String detail) {
        try {
            kloigos.access().auditLog().add(entry(context, caller, action, outcome, detail));
        } catch (KloigosException e) {
            LOG.error(
                    "The audit log does not hold request {}: {} by {} from {} was {}",
                    context.res().getHeader(Gate.REQUEST_ID),
                    action,
                    caller == null ? "nobody" : caller.subject(),
                    context.ip(),
                    outcome,
                    e);
            throw e;
        }
    }

    private AuditEntry entry(
            Context context, @Nullable Caller caller, String action, Outcome outcome, @Nullable String detail) {
        return new AuditEntry(
                0,
                clock.instant(),
                caller == null ? "" : caller.subject(),
                caller == null ? null : caller.role(),
                caller == null ? null : caller.tokenId(),
                context.ip(),
                String.valueOf(context.res().getHeader(Gate.REQUEST_ID)),
                shortened(context.header("Idempotency-Key")),
                action,
                shortened(context.pathParamMap().values().stream().findFirst().orElse(null)),
                null,
                null,
                outcome,
                detail);
    }

    private static @Nullable String shortened(@Nullable String text) {
        String kept = text == null ? null : text.replace("\0", "");
        return kept == null || kept.length() <= 255 ? kept : kept.substring(0, 255);
    }

    /**
     * Returns what the request was about as it now is. What is named by nothing but the body was not looked at before, so that
     * nothing is known to have become another when the request has failed.
     */
    private JsonNode lookAfter(Context context, @Nullable String target) {
        Map<String, String> names = context.pathParamMap();
        if (!names.isEmpty()) {
            return look(names);
        }
        return target == null || !context.status().isSuccess()
                ? JsonNodeFactory.instance.objectNode()
                : look(Map.of(target.contains("_") ? "compute_id" : "hostname", target));
    }

    /** Returns the unit, server or token as it now is; an object without fields if there is none. */
    private JsonNode look(Map<String, String> names) {
        try {
            String unit = names.get("compute_id");
            if (unit != null) {
                ComputeId id = new ComputeId(unit);
                return tree(kloigos.unit(id));
            }
            String hostname = names.get("hostname");
            if (hostname != null) {
                return Json.tree(ServerResponse.of(kloigos.server(hostname), settings));
            }
            String token = names.get("token_id");
            if (token != null) {
                return tree(kloigos.access().tokens().get(token), clock.instant());
            }
        } catch (KloigosException e) {
            LOG.debug("Nothing of {} is noted in the audit log: {}", names, e.getMessage());
        }
        return JsonNodeFactory.instance.objectNode();
    }

    private static JsonNode tree(ComputeUnit unit) {
        return Json.tree(ComputeUnitResponse.of(unit, 0));
    }

    private static JsonNode tree(ApiToken token, Instant now) {
        ObjectNode fields = (ObjectNode) Json.tree(TokenResponse.of(token));
        return fields.put("state", token.state(now).toString());
    }

    /**
     * Returns what of the one is another in the other; null if nothing is. Of a token it is everything, since its id tells nobody
     * whose it was.
     */
    private static @Nullable String differing(@Nullable JsonNode one, @Nullable JsonNode other) {
        ObjectNode fields = JsonNodeFactory.instance.objectNode();
        if (one != null && other != null && !one.equals(other)) {
            one.properties().stream()
                    .filter(field -> !LEFT_OUT.contains(field.getKey())
                            && (one.has("token_id") || !field.getValue().equals(other.get(field.getKey()))))
                    .forEach(field -> fields.set(field.getKey(), field.getValue()));
        }
        return fields.isEmpty() ? null : new String(Json.write(fields), StandardCharsets.UTF_8);
    }
}
