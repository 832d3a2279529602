package io.kloigos.client;

import io.kloigos.model.KloigosException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Objects;
import java.util.regex.Pattern;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Where a Kloigos server is, and how it is asked.
 *
 * @param server its address, {@code http} or {@code https}, without a slash at the end
 * @param token what it knows the caller by, sent as {@code Authorization: Bearer}; null if it asks for none
 * @param timeout how long an answer may take; an allocation is answered when its tenant can log in
 * @param tls whom to trust; null for the certification authorities that Java trusts
 * @param plainHttp what is done about a token that would leave this machine unencrypted
 */
public record ClientSettings(
        URI server,
        @Nullable String token,
        Duration timeout,
        @Nullable SSLContext tls,
        PlainHttp plainHttp) {
    /** What is done about a token that would go over plain HTTP to another machine, where anybody on the way can read it. */
    public enum PlainHttp {
        /** It is not sent. */
        REFUSE,
        /** It is sent: something else keeps others off the way. */
        ALLOW
    }

    private static final Pattern LOOPBACK =
            Pattern.compile("(?:.+\\.)?localhost|127(?:\\.\\d{1,3}){3}|\\[(?:0*:)*:?0*1\\]", Pattern.CASE_INSENSITIVE);
    private static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(10);

    public ClientSettings {
        server = URI.create(server.toString().replaceAll("/+$", ""));
        Objects.requireNonNull(timeout);
        Objects.requireNonNull(plainHttp);
        boolean isHttp = "http".equals(server.getScheme()) || "https".equals(server.getScheme());
        if (!isHttp || server.getHost() == null || server.getRawQuery() != null || server.getRawUserInfo() != null) {
            throw notAnAddress(server.toString());
        }
        if (token != null && !token.matches("[\\x21-\\x7e]+")) {
            throw KloigosException.invalid("token", "a token has printable ASCII characters only, and no spaces");
        }
        if (timeout.isNegative() || timeout.isZero()) {
            throw KloigosException.invalid("timeout", "an answer takes longer than " + timeout);
        }
    }

    /**
     * Returns the settings for the server at this address, without a token.
     *
     * @throws KloigosException INVALID_REQUEST if it is no address such as {@code https://kloigos.example:8443}
     */
    public static ClientSettings of(String server) {
        try {
            return new ClientSettings(new URI(server), null, DEFAULT_TIMEOUT, null, PlainHttp.REFUSE);
        } catch (URISyntaxException e) {
            throw notAnAddress(server);
        }
    }

    private static KloigosException notAnAddress(String server) {
        return KloigosException.invalid(
                "server", "\"" + server + "\" is not the address of a server, such as \"http://127.0.0.1:8080\"");
    }

    /** Returns these settings with a token. */
    public ClientSettings withToken(String secret) {
        return new ClientSettings(server, secret, timeout, tls, plainHttp);
    }

    /** Returns these settings with another timeout. */
    public ClientSettings withTimeout(Duration limit) {
        return new ClientSettings(server, token, limit, tls, plainHttp);
    }

    /** Returns these settings for a server that {@code context} trusts. */
    public ClientSettings withTls(SSLContext context) {
        return new ClientSettings(server, token, timeout, context, plainHttp);
    }

    /** Returns these settings, by which a token is sent over plain HTTP to other machines too. */
    public ClientSettings allowingPlainHttp() {
        return new ClientSettings(server, token, timeout, tls, PlainHttp.ALLOW);
    }

    /**
     * Makes sure that nobody on the way to the server can read the token.
     *
     * @throws KloigosException INVALID_REQUEST if somebody can, and that is not allowed
     */
    void requireSafeToken() {
        if (token != null
                && plainHttp == PlainHttp.REFUSE
                && server.getScheme().equals("http")
                && !LOOPBACK.matcher(server.getHost()).matches()) {
            throw KloigosException.invalid(
                    "server",
                    "the token would go to " + server
                            + " unencrypted, for anybody on the way to read; use https://, or allow"
                            + " it by --allow-plain-http, allow_plain_http: true in the profile, or"
                            + " ClientSettings.allowingPlainHttp()");
        }
    }

    /** Returns the address only, since the token is a secret. */
    @Override
    public String toString() {
        return server.toString();
    }
}
