package io.kloigos.client;

import io.kloigos.model.KloigosException;
import java.net.URI;
import java.net.URISyntaxException;
import java.time.Duration;
import java.util.Objects;
import javax.net.ssl.SSLContext;
import org.jspecify.annotations.Nullable;

/**
 * Where a Kloigos server is, and how it is asked.
 *
 * @param server its address, {@code http} or {@code https}, without a slash at the end
 * @param token what it knows the caller by, sent as {@code Authorization: Bearer}; null if it asks for none
 * @param timeout how long an answer may take; an allocation is answered when its tenant can log in
 * @param tls whom to trust; null for the certification authorities that Java trusts
 */
public record ClientSettings(
        URI server,
        @Nullable String token,
        Duration timeout,
        @Nullable SSLContext tls) {
    private static final Duration DEFAULT_TIMEOUT = Duration.ofMinutes(10);

    public ClientSettings {
        server = URI.create(server.toString().replaceAll("/+$", ""));
        Objects.requireNonNull(timeout);
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
            return new ClientSettings(new URI(server), null, DEFAULT_TIMEOUT, null);
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
        return new ClientSettings(server, secret, timeout, tls);
    }

    /** Returns these settings with another timeout. */
    public ClientSettings withTimeout(Duration limit) {
        return new ClientSettings(server, token, limit, tls);
    }

    /** Returns these settings for a server that {@code context} trusts. */
    public ClientSettings withTls(SSLContext context) {
        return new ClientSettings(server, token, timeout, context);
    }

    /** Returns the address only, since the token is a secret. */
    @Override
    public String toString() {
        return server.toString();
    }
}
