package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.Cookie;
import io.javalin.http.SameSite;
import io.kloigos.http.Authentication.Begun;
import io.kloigos.http.Authentication.Means;
import io.kloigos.http.Authentication.Recognised;
import io.kloigos.model.AuditEntry.Outcome;
import io.kloigos.model.Caller;
import io.kloigos.model.Tenant;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.jspecify.annotations.Nullable;

/** What the address does by which people log in and out with a browser. Thread-safe. */
final class SessionApi {
    static final String PATH = "/api/session";

    private static final JsonType<String> TOKEN =
            JsonType.object(fields -> fields.required("token", JsonType.text(), ""));

    private final Gate gate;

    SessionApi(Gate gate) {
        this.gate = gate;
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, PATH, this::look);
        routes.post(PATH, this::login);
        routes.delete(PATH, this::logout);
    }

    /** Who one is; described in the API document under the same name. */
    record SessionResponse(
            boolean authentication,
            boolean authenticated,
            @Nullable String means,
            @Nullable String subject,
            List<String> roles,
            @Nullable String tenant,
            @Nullable Instant expiresAt,
            List<String> may,
            boolean mayDryRun) {
        static SessionResponse nobody() {
            return new SessionResponse(true, false, null, null, List.of(), null, null, List.of(), false);
        }

        static SessionResponse of(Recognised recognised) {
            Caller caller = recognised.caller();
            Tenant tenant = caller.tenant();
            return new SessionResponse(
                    recognised.means() != Means.OPEN,
                    true,
                    recognised.means().name().toLowerCase(Locale.ROOT),
                    caller.subject(),
                    List.of(caller.role().toString()),
                    tenant == null ? null : tenant.name(),
                    recognised.expiresAt(),
                    AccessRules.allowed(caller.role()),
                    AccessRules.mayDryRun(caller.role()));
        }
    }

    private void look(Context context) {
        new RequestReader(context).withoutQuery().finish();
        send(context, gate.authentication().of(context).map(SessionResponse::of).orElseGet(SessionResponse::nobody));
    }

    private void login(Context context) {
        RequestReader reader = new RequestReader(context).withoutQuery();
        Optional<String> token = reader.body(TOKEN);
        reader.finish();
        Authentication authentication = gate.authentication();
        if (!authentication.isOn()) {
            look(context);
            return;
        }
        Recognised recognised = authentication
                .bearer(token.orElseThrow())
                .orElseThrow(() -> gate.unrecognised(
                        context, "login", "The token is not known here, or was revoked, or has expired.", true));
        gate.audit().note(context, recognised.caller(), "login", Outcome.SUCCEEDED, null);
        Begun begun = authentication.begin(recognised);
        context.cookie(cookie(begun.secret().text(), (int) begun.length().toSeconds()));
        send(context, SessionResponse.of(begun.recognised()));
    }

    private void logout(Context context) {
        new RequestReader(context).withoutQuery().finish();
        Authentication authentication = gate.authentication();
        authentication
                .of(context)
                .filter(recognised -> recognised.means() == Means.SESSION)
                .ifPresent(recognised ->
                        gate.audit().note(context, recognised.caller(), "logout", Outcome.SUCCEEDED, null));
        authentication.end(context);
        context.cookie(cookie("", 0));
        send(context, authentication.isOn() ? SessionResponse.nobody() : SessionResponse.of(open(context)));
    }

    private Recognised open(Context context) {
        return gate.authentication().of(context).orElseThrow();
    }

    private Cookie cookie(String value, int seconds) {
        Authentication authentication = gate.authentication();
        return new Cookie(
                authentication.cookieName(),
                value,
                "/",
                seconds,
                authentication.hasSecureCookies(),
                true,
                null,
                SameSite.STRICT);
    }

    private static void send(Context context, SessionResponse session) {
        context.contentType(Answers.JSON).result(Json.write(session));
    }
}
