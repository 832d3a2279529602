package io.kloigos.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Warning;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.URLDecoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpRequest.BodyPublishers;
import java.net.http.HttpResponse;
import java.net.http.HttpResponse.BodyHandlers;
import java.net.http.HttpTimeoutException;
import java.nio.charset.StandardCharsets;
import java.security.cert.CertPathBuilderException;
import java.security.cert.CertPathValidatorException;
import java.time.Duration;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.SSLHandshakeException;

/**
 * Asks the API of a Kloigos server. What the server refuses is thrown as the embedded Kloigos would throw it. A request whose
 * answer was lost is sent again if that is safe: it has an idempotency key, or sets something to what it says. Thread-safe.
 */
public final class ApiConnection {
    private static final JsonMapper JSON = JsonMapper.builder()
            .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
            .build();
    private static final Duration CONNECT_TIMEOUT = Duration.ofSeconds(10);
    private static final Duration PAUSE = Duration.ofMillis(500);
    private static final int MOST_ATTEMPTS = 3;
    private static final int LONGEST_PAGE = 1000;
    private static final Pattern WARNING = Pattern.compile("([a-z_]+);message=\"((?:[^\"\\\\]|\\\\.)*)\"");
    private static final Pattern NEXT = Pattern.compile("<[^>]*[?&]after=([^&>]+)[^>]*>; rel=\"next\"");

    private final ClientSettings settings;
    private final HttpClient http;

    /**
     * A connection that is made when something is asked.
     *
     * @throws KloigosException INVALID_REQUEST if the token would leave this machine unencrypted and that is not allowed
     */
    public ApiConnection(ClientSettings settings) {
        settings.requireSafeToken();
        this.settings = settings;
        boolean secure = settings.server().getScheme().equals("https");
        HttpClient.Builder builder = HttpClient.newBuilder()
                .connectTimeout(CONNECT_TIMEOUT)
                .version(secure ? HttpClient.Version.HTTP_2 : HttpClient.Version.HTTP_1_1);
        if (settings.tls() != null) {
            builder.sslContext(settings.tls());
        }
        this.http = builder.build();
    }

    /**
     * What the server answered.
     *
     * @param body the JSON
     * @param operationId the operation that goes on in the background, or was just done; empty if there is none
     * @param next the place in a list after which its next page begins; empty if there is none
     * @param warnings what is not as good as it could be about what was done
     */
    public record Answer(JsonNode body, String operationId, String next, List<Warning> warnings) {
        public Answer {
            warnings = List.copyOf(warnings);
        }
    }

    /**
     * Sends a request and returns the answer.
     *
     * @throws KloigosException what the server refused; SERVER_UNREACHABLE if there is no answer
     */
    public Answer send(ApiRequest request) {
        for (int attempt = 1; ; attempt++) {
            boolean last = attempt == MOST_ATTEMPTS || !request.isRepeatable();
            try {
                return answer(http.send(http(request), BodyHandlers.ofByteArray()));
            } catch (KloigosException refusal) {
                if (last || refusal.code() != ErrorCode.KEY_IN_USE) {
                    throw refusal;
                }
            } catch (HttpTimeoutException e) {
                throw unreachable("did not answer within " + settings.timeout().toSeconds() + " s", e);
            } catch (ConnectException e) {
                if (last || attempt == 1) {
                    throw unreachable("cannot be reached", e);
                }
            } catch (SSLHandshakeException e) {
                throw insecure(e);
            } catch (IOException e) {
                if (last) {
                    throw unreachable(
                            "ended the connection before it answered ("
                                    + e.getMessage()
                                    + "); what was asked for may have been done",
                            e);
                }
            } catch (InterruptedException e) {
                throw interrupted(e);
            }
            pause();
        }
    }

    private void pause() {
        try {
            Thread.sleep(PAUSE.toMillis());
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private KloigosException interrupted(InterruptedException e) {
        Thread.currentThread().interrupt();
        return unreachable("was not waited for any longer: the thread was interrupted", e);
    }

    /** Returns the body of the answer to {@code GET path}; see {@link ApiRequest#of}. */
    public JsonNode get(String path, String... parts) {
        return send(ApiRequest.of("GET", path, parts)).body();
    }

    /**
     * Returns the elements of a list that comes page by page, asking for as many pages as that takes.
     *
     * @param request asks for the list
     * @param most how many at most
     * @throws KloigosException as {@link #send} does
     */
    public ArrayNode list(ApiRequest request, int most) {
        ArrayNode found = JSON.createArrayNode();
        ApiRequest page = request;
        while (true) {
            Answer answer = send(page.with("limit", Math.min(most - found.size(), LONGEST_PAGE)));
            answer.body().forEach(found::add);
            if (answer.next().isEmpty() || found.size() >= most) {
                return found;
            }
            page = request.with("after", answer.next());
        }
    }

    /**
     * Returns what happens from now on.
     *
     * @throws KloigosException as {@link #send} does
     */
    public EventSource events() {
        try {
            HttpResponse<InputStream> response =
                    http.send(http(ApiRequest.of("GET", "/api/events")), BodyHandlers.ofInputStream());
            if (response.statusCode() != 200) {
                try (InputStream body = response.body()) {
                    throw Refusal.of(
                            settings, response.statusCode(), new String(body.readAllBytes(), StandardCharsets.UTF_8));
                }
            }
            return new EventSource(response.body());
        } catch (SSLHandshakeException e) {
            throw insecure(e);
        } catch (IOException e) {
            throw unreachable("cannot be reached", e);
        } catch (InterruptedException e) {
            throw interrupted(e);
        }
    }

    private HttpRequest http(ApiRequest request) {
        HttpRequest.Builder builder = HttpRequest.newBuilder(URI.create(settings.server() + request.target()))
                .timeout(settings.timeout())
                .header("Accept", "application/json, text/event-stream");
        JsonNode body = request.body();
        if (body == null) {
            builder.method(request.method(), BodyPublishers.noBody());
        } else {
            builder.method(request.method(), BodyPublishers.ofByteArray(bytes(body)))
                    .header("Content-Type", "application/json");
        }
        if (settings.token() != null) {
            builder.header("Authorization", "Bearer " + settings.token());
        }
        if (request.idempotencyKey() != null) {
            builder.header("Idempotency-Key", request.idempotencyKey());
        }
        return builder.build();
    }

    private static byte[] bytes(JsonNode body) {
        try {
            return JSON.writeValueAsBytes(body);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private Answer answer(HttpResponse<byte[]> response) {
        String text = new String(response.body(), StandardCharsets.UTF_8);
        if (response.statusCode() != 200) {
            throw Refusal.of(settings, response.statusCode(), text);
        }
        return new Answer(
                read(text),
                response.headers().firstValue("X-Operation-Id").orElse(""),
                response.headers()
                        .firstValue("Link")
                        .map(ApiConnection::placeIn)
                        .orElse(""),
                warningsIn(response.headers().allValues("Kloigos-Warning")));
    }

    /** What lies between may have made one field of several. */
    private static List<Warning> warningsIn(List<String> fields) {
        return WARNING.matcher(String.join(", ", fields))
                .results()
                .map(item -> new Warning(item.group(1), item.group(2).replaceAll("\\\\(.)", "$1")))
                .toList();
    }

    private static String placeIn(String link) {
        Matcher matcher = NEXT.matcher(link);
        return matcher.matches() ? URLDecoder.decode(matcher.group(1), StandardCharsets.UTF_8) : "";
    }

    private JsonNode read(String text) {
        try {
            JsonNode node = JSON.readTree(text);
            if (node.isObject() || node.isArray()) {
                return node;
            }
        } catch (JsonProcessingException e) {
            throw Refusal.noKloigos(settings, 200, e);
        }
        throw Refusal.noKloigos(settings, 200, null);
    }

    /** Nothing is sent before the handshake has succeeded. */
    private KloigosException insecure(SSLHandshakeException e) {
        String what = "The server " + settings + " was sent nothing: ";
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertPathBuilderException || cause instanceof CertPathValidatorException) {
                return new KloigosException(
                        ErrorCode.SERVER_UNREACHABLE,
                        what + "its certificate is not trusted (" + cause.getMessage()
                                + "). Name the CA that issued it by --ca, or ClientSettings.withTls.",
                        e);
            }
        }
        return new KloigosException(
                ErrorCode.SERVER_UNREACHABLE,
                what + "no TLS connection could be made (" + e.getMessage()
                        + "). Check its address and its certificate.",
                e);
    }

    private KloigosException unreachable(String what, Exception cause) {
        return new KloigosException(
                ErrorCode.SERVER_UNREACHABLE,
                "The server " + settings + " " + what + ". Check its address, and that it runs.",
                cause);
    }
}
