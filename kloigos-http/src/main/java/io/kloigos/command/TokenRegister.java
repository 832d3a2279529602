package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.ApiConnection;
import io.kloigos.client.ApiRequest;
import io.kloigos.inventory.Access;
import io.kloigos.model.ApiToken;
import io.kloigos.model.AuditEntry;
import io.kloigos.model.AuditEntry.Outcome;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import io.kloigos.model.TokenSecret;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.List;
import java.util.UUID;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;

/** Where API tokens are kept. Both kinds tell of tokens as the API does. */
sealed interface TokenRegister {
    /**
     * Returns the tokens without their secrets, the newest first.
     *
     * @param role of which role; null for all
     */
    JsonNode all(@Nullable String role);

    /**
     * Makes a token and returns it with its secret.
     *
     * @param wanted as the API takes it
     * @throws KloigosException INVALID_REQUEST; WRONG_STATE if there is one of this name
     */
    JsonNode create(ObjectNode wanted);

    /**
     * Lets a token be refused from now on, and returns it.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if it was revoked before
     */
    JsonNode revoke(String id);

    /** The tokens of a server. */
    record OfServer(ApiConnection api) implements TokenRegister {
        @Override
        public JsonNode all(@Nullable String role) {
            return api.send(ApiRequest.of("GET", "/api/tokens").with("role", role))
                    .body();
        }

        @Override
        public JsonNode create(ObjectNode wanted) {
            return api.send(ApiRequest.of("POST", "/api/tokens").with(wanted)).body();
        }

        @Override
        public JsonNode revoke(String id) {
            return api.send(ApiRequest.of("DELETE", "/api/tokens/{}", id)).body();
        }
    }

    /** The tokens in a database. */
    record InDatabase(Access access) implements TokenRegister {
        private static final JsonMapper JSON = new JsonMapper();

        @Override
        public JsonNode all(@Nullable String role) {
            Role wanted = role == null ? null : Role.parse(role);
            ArrayNode tokens = JSON.createArrayNode();
            access.tokens().all().stream()
                    .filter(token -> wanted == null || token.role() == wanted)
                    .forEach(token -> tokens.add(json(token)));
            return tokens;
        }

        @Override
        public JsonNode create(ObjectNode wanted) {
            byte[] bytes = new byte[TokenSecret.BYTES];
            new SecureRandom().nextBytes(bytes);
            TokenSecret secret = TokenSecret.of(bytes);
            String tenant = wanted.path("tenant").textValue();
            String expiry = wanted.path("expires_at").textValue();
            String name = wanted.path("name").asText();
            Role role = Role.parse(wanted.path("role").asText());
            ApiToken made = audited("createToken", null, who -> {
                ApiToken token = new ApiToken(
                        secret.id(),
                        name,
                        role,
                        tenant == null ? null : new Tenant(tenant),
                        who,
                        now(),
                        expiry == null ? null : Instant.parse(expiry),
                        null,
                        null);
                access.tokens().add(token, secret);
                return token;
            });
            ObjectNode answer = JSON.createObjectNode().put("token", secret.text());
            answer.set("details", json(made));
            return answer;
        }

        @Override
        public JsonNode revoke(String id) {
            return json(audited("revokeToken", id, who -> access.tokens().revoke(id, now())));
        }

        /**
         * Writes to the audit log what is done, before it is done.
         *
         * @param id of the token that there is already; null for one that is to be made
         */
        private ApiToken audited(String action, @Nullable String id, Function<String, ApiToken> change) {
            String who = "command:" + System.getProperty("user.name");
            AuditEntry begun = new AuditEntry(
                    0,
                    now(),
                    who,
                    Role.ADMIN,
                    null,
                    "",
                    UUID.randomUUID().toString(),
                    null,
                    action,
                    id,
                    null,
                    null,
                    Outcome.BEGUN,
                    null);
            AuditEntry written = begun.numbered(access.auditLog().add(begun));
            try {
                String before = id == null ? null : told(access.tokens().get(id));
                ApiToken token = change.apply(who);
                access.auditLog().end(written.ended(Outcome.SUCCEEDED, token.id(), before, told(token), null));
                return token;
            } catch (KloigosException e) {
                access.auditLog().end(written.ended(Outcome.FAILED, id, null, null, e.getMessage()));
                throw e;
            }
        }

        /** Returns what the server would write of a token to the audit log. */
        private static String told(ApiToken token) {
            return json(token)
                    .put("state", token.state(now()).toString())
                    .remove(List.of("created_by", "last_used_at"))
                    .toString();
        }

        private static Instant now() {
            return Instant.now().truncatedTo(ChronoUnit.MILLIS);
        }

        private static ObjectNode json(ApiToken token) {
            Tenant tenant = token.tenant();
            return JSON.createObjectNode()
                    .put("token_id", token.id())
                    .put("name", token.name())
                    .put("role", token.role().toString())
                    .put("tenant", tenant == null ? null : tenant.name())
                    .put("created_by", token.createdBy())
                    .put("created_at", token.createdAt().toString())
                    .put("expires_at", text(token.expiresAt()))
                    .put("last_used_at", text(token.lastUsedAt()))
                    .put("revoked_at", text(token.revokedAt()));
        }

        private static @Nullable String text(@Nullable Instant time) {
            return time == null ? null : time.toString();
        }
    }
}
