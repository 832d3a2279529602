package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.kloigos.Kloigos;
import io.kloigos.http.Authentication.Means;
import io.kloigos.http.Authentication.Recognised;
import io.kloigos.inventory.Tokens;
import io.kloigos.model.ApiToken;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import io.kloigos.model.TokenSecret;
import java.io.IOException;
import java.time.Instant;
import java.time.InstantSource;
import java.util.Optional;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;

/** What the addresses of API tokens do. Thread-safe. */
final class TokensApi {
    private static final JsonType<Wanted> WANTED = JsonType.object(TokensApi::wanted);

    private final Tokens tokens;
    private final Gate gate;
    private final Answers answers;
    private final InstantSource clock;

    TokensApi(Kloigos kloigos, Gate gate, Answers answers, InstantSource clock) {
        this.tokens = kloigos.access().tokens();
        this.gate = gate;
        this.answers = answers;
        this.clock = clock;
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, "/api/tokens", this::list);
        routes.post("/api/tokens", this::create);
        routes.delete("/api/tokens/{token_id}", this::revoke);
    }

    /** What is asked for. */
    private record Wanted(
            String name,
            Role role,
            @Nullable Tenant tenant,
            @Nullable Instant expiresAt) {}

    private static Wanted wanted(JsonFields fields) {
        return new Wanted(
                fields.required("name", JsonType.text(), "any"),
                fields.required("role", JsonType.text(Role::parse), Role.READ_ONLY),
                fields.optional("tenant", JsonType.text(Tenant::new), null),
                fields.optional("expires_at", RequestTypes.TIME, null));
    }

    /** A token as the API tells it; described in the API document under the same name. */
    record TokenResponse(
            String tokenId,
            String name,
            String role,
            @Nullable String tenant,
            String createdBy,
            Instant createdAt,
            @Nullable Instant expiresAt,
            @Nullable Instant lastUsedAt,
            @Nullable Instant revokedAt) {
        static TokenResponse of(ApiToken token) {
            Tenant tenant = token.tenant();
            return new TokenResponse(
                    token.id(),
                    token.name(),
                    token.role().toString(),
                    tenant == null ? null : tenant.name(),
                    token.createdBy(),
                    token.createdAt(),
                    token.expiresAt(),
                    token.lastUsedAt(),
                    token.revokedAt());
        }
    }

    /** A new token with its secret, which is told this once. */
    record NewTokenResponse(String token, TokenResponse details) {}

    private void list(Context context) throws IOException {
        RequestReader reader = new RequestReader(context);
        Optional<Predicate<ApiToken>> query = reader.query(TokensApi::filter);
        reader.finish();
        answers.sendAll(
                context, tokens.all().stream().filter(query.orElseThrow()).map(TokenResponse::of));
    }

    private static Predicate<ApiToken> filter(JsonFields query) {
        Role role = query.optional("role", JsonType.text(Role::parse), null);
        return token -> role == null || token.role() == role;
    }

    private void create(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<Wanted> body = reader.body(WANTED);
        reader.finish();
        Wanted wanted = body.orElseThrow();
        requireFirstIsAdmin(context, wanted.role());
        TokenSecret secret = gate.authentication().newSecret();
        ApiToken token = made(context, wanted, secret);
        tokens.add(token, secret);
        AuditTrail.result(context, token, clock.instant());
        answers.send(context, new NewTokenResponse(secret.text(), TokenResponse.of(token)));
    }

    private ApiToken made(Context context, Wanted wanted, TokenSecret secret) {
        try {
            return new ApiToken(
                    secret.id(),
                    wanted.name(),
                    wanted.role(),
                    wanted.tenant(),
                    Gate.caller(context).subject(),
                    clock.instant(),
                    wanted.expiresAt(),
                    null,
                    null);
        } catch (KloigosException e) {
            throw new KloigosException(
                    e.code(),
                    "Cannot make a token",
                    e.faults().stream().map(fault -> fault.under("body")).toList());
        }
    }

    /** The first token closes the server to everybody without one. */
    private static void requireFirstIsAdmin(Context context, Role role) {
        boolean isFirst = Gate.recognised(context).map(Recognised::means).orElseThrow() == Means.OPEN;
        if (isFirst && role != Role.ADMIN) {
            throw new KloigosException(
                    ErrorCode.WRONG_STATE,
                    "The first token is an administrator's: from then on nobody else could make another.");
        }
    }

    private void revoke(Context context) {
        new RequestReader(context).withoutQuery().finish();
        answers.send(context, TokenResponse.of(tokens.revoke(context.pathParam("token_id"), clock.instant())));
    }
}
