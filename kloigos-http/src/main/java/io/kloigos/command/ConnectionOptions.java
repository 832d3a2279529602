package io.kloigos.command;

import io.kloigos.client.ApiConnection;
import io.kloigos.client.ClientSettings;
import io.kloigos.model.KloigosException;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.security.cert.Certificate;
import java.security.cert.CertificateFactory;
import java.util.Set;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** Which server is asked, and as whom: by options, else by environment variables, else by a profile. */
final class ConnectionOptions {
    /** Those that say the same; a server started beside them has no use for them. */
    static final Set<String> VARIABLES = Set.of(
            "KLOIGOS_SERVER",
            "KLOIGOS_TOKEN",
            "KLOIGOS_TOKEN_FILE",
            "KLOIGOS_CA",
            "KLOIGOS_ALLOW_PLAIN_HTTP",
            "KLOIGOS_PROFILE");

    private static final String DEFAULT_SERVER = "http://127.0.0.1:8080";

    @Option(
            names = "--server",
            paramLabel = "URL",
            description = "The server to ask; also KLOIGOS_SERVER (" + DEFAULT_SERVER + ").")
    private @Nullable String server;

    @Option(
            names = "--token",
            paramLabel = "TOKEN",
            description = "The API token; other users can see it here, so prefer KLOIGOS_TOKEN or a file.")
    private @Nullable String token;

    @Option(
            names = "--token-file",
            paramLabel = "FILE",
            description = "The file with the API token, readable by its owner only; also KLOIGOS_TOKEN_FILE.")
    private @Nullable Path tokenFile;

    @Option(
            names = "--ca",
            paramLabel = "FILE",
            description = "Trust the server's certificate by the PEM certificates in FILE; also KLOIGOS_CA.")
    private @Nullable Path ca;

    @Option(
            names = "--allow-plain-http",
            description = "Send the token by http:// to other machines too, where anybody on the way can read it; also"
                    + " KLOIGOS_ALLOW_PLAIN_HTTP=true.")
    private boolean allowPlainHttp;

    @Option(
            names = "--profile",
            paramLabel = "NAME",
            description = "The profile of ~/.config/kloigos/config.yaml; also KLOIGOS_PROFILE.")
    private @Nullable String profile;

    /**
     * Returns the connection.
     *
     * @throws KloigosException INVALID_REQUEST if an option, variable or file is not usable
     */
    ApiConnection connect(Surroundings surroundings) {
        Given given = new Given(surroundings);
        Profiles chosen = Profiles.read(surroundings, given.text(profile, "KLOIGOS_PROFILE", null));
        String address = given.text(server, "KLOIGOS_SERVER", chosen.server());
        ClientSettings settings = ClientSettings.of(address == null ? DEFAULT_SERVER : address);
        String secret = token(given, chosen);
        if (secret != null) {
            settings = settings.withToken(secret);
        }
        if (allowPlainHttp || isTrue(given.text(null, "KLOIGOS_ALLOW_PLAIN_HTTP", chosen.allowPlainHttp()))) {
            settings = settings.allowingPlainHttp();
        }
        Path authorities = given.path(ca, "KLOIGOS_CA", chosen.ca());
        return new ApiConnection(authorities == null ? settings : settings.withTls(trusting(authorities)));
    }

    private static boolean isTrue(@Nullable String text) {
        if (text != null && !text.equals("true") && !text.equals("false")) {
            throw KloigosException.invalid("allow_plain_http", "\"" + text + "\" is neither \"true\" nor \"false\"");
        }
        return "true".equals(text);
    }

    /** A token that stands nearer wins over a file that stands farther. */
    private @Nullable String token(Given given, Profiles chosen) {
        if (token != null || tokenFile != null) {
            return token != null ? token : read(tokenFile);
        }
        String variable = given.text(null, "KLOIGOS_TOKEN", null);
        Path file = given.path(null, "KLOIGOS_TOKEN_FILE", null);
        if (variable != null || file != null) {
            return variable != null ? variable : read(file);
        }
        return chosen.token() != null || chosen.tokenFile() == null ? chosen.token() : read(chosen.tokenFile());
    }

    private static @Nullable String read(@Nullable Path file) {
        if (file == null) {
            return null;
        }
        Profiles.requirePrivate(file);
        try {
            return Files.readString(file).strip();
        } catch (IOException e) {
            throw KloigosException.invalid("token_file", "cannot read " + file + ": " + e.getMessage());
        }
    }

    private static SSLContext trusting(Path file) {
        try (InputStream pem = Files.newInputStream(file)) {
            KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
            store.load(null, null);
            for (Certificate one : CertificateFactory.getInstance("X.509").generateCertificates(pem)) {
                store.setCertificateEntry("ca" + store.size(), one);
            }
            TrustManagerFactory trust = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
            trust.init(store);
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(null, trust.getTrustManagers(), null);
            return context;
        } catch (IOException | GeneralSecurityException e) {
            throw KloigosException.invalid("ca", "cannot read PEM certificates from " + file + ": " + e.getMessage());
        }
    }

    private record Given(Surroundings surroundings) {
        @Nullable
        String text(@Nullable String option, String variable, @Nullable String otherwise) {
            if (option != null) {
                return option;
            }
            String value = surroundings.environment().getOrDefault(variable, "");
            return value.isEmpty() ? otherwise : value;
        }

        @Nullable
        Path path(@Nullable Path option, String variable, @Nullable Path otherwise) {
            String text = text(option == null ? null : option.toString(), variable, null);
            return text == null ? otherwise : Path.of(text);
        }
    }
}
