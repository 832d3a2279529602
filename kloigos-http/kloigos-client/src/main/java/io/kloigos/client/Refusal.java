package io.kloigos.client;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.KloigosException;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a server says when it does not do what it was asked: a problem document, or every fault of the request.
 *
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457, Problem Details for HTTP APIs</a>
 */
final class Refusal {
    private static final JsonMapper JSON = new JsonMapper();
    private static final Set<String> PARTS_OF_A_REQUEST = Set.of("body", "query", "path", "header");

    private Refusal() {}

    static KloigosException of(ClientSettings settings, int status, String text) {
        JsonNode told;
        try {
            told = JSON.readTree(text);
        } catch (JsonProcessingException e) {
            return noKloigos(settings, status, e);
        }
        JsonNode detail = told.path("detail");
        if (detail.isArray()) {
            ErrorCode code = code(told, status);
            return new KloigosException(
                    code,
                    code == ErrorCode.HOST_UNSUITABLE ? "The host is unsuitable" : "Cannot do this",
                    faults(detail));
        }
        return detail.isTextual()
                ? new KloigosException(code(told, status), detail.asText())
                : noKloigos(settings, status, null);
    }

    static KloigosException noKloigos(ClientSettings settings, int status, @Nullable Exception cause) {
        return new KloigosException(
                ErrorCode.SERVER_UNREACHABLE,
                "What answers at " + settings + " does not speak as a Kloigos server does (HTTP status " + status
                        + "). Check the address.",
                cause);
    }

    private static ErrorCode code(JsonNode told, int status) {
        String name = told.path("code").asText().toUpperCase(Locale.ROOT);
        for (ErrorCode code : ErrorCode.values()) {
            if (code.name().equals(name)) {
                return code;
            }
        }
        return status >= 500 ? ErrorCode.INTERNAL : ErrorCode.INVALID_REQUEST;
    }

    private static List<Fault> faults(JsonNode detail) {
        List<Fault> faults = new ArrayList<>();
        detail.forEach(fault -> faults.add(new Fault(
                path(fault.path("loc")),
                fault.path("type").asText(),
                fault.path("msg").asText())));
        return faults;
    }

    /** Returns the place within the request, as the embedded Kloigos tells it. */
    private static List<Object> path(JsonNode loc) {
        List<Object> path = new ArrayList<>();
        loc.forEach(element -> path.add(element.isInt() ? (Object) element.intValue() : element.asText()));
        if (!path.isEmpty() && PARTS_OF_A_REQUEST.contains(path.get(0))) {
            path.remove(0);
        }
        return path;
    }
}
