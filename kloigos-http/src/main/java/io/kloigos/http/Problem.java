package io.kloigos.http;

import io.javalin.http.HttpStatus;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.KloigosException;
import java.util.List;
import java.util.Locale;

/**
 * An error as the API tells it.
 *
 * @param type a stable name for programs, as a URI
 * @param title the HTTP status in words
 * @param status the HTTP status
 * @param detail what was attempted, on what, what was seen and what to do
 * @param code a stable name for programs, e.g. {@code no_capacity}
 * @param instance the path of the request
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9457">RFC 9457, Problem Details for HTTP APIs</a>
 */
record Problem(String type, String title, int status, String detail, String code, String instance) {
    static final String CONTENT_TYPE = "application/problem+json";

    /** A request with faults, told as the original API does, and the name of the error. */
    record Invalid(String code, List<InvalidPart> detail) {
        static Invalid of(KloigosException refusal) {
            return new Invalid(
                    Problem.code(refusal.code()),
                    refusal.faults().stream().map(InvalidPart::of).toList());
        }
    }

    /** One fault: where, what, and a stable name for programs. */
    record InvalidPart(List<Object> loc, String msg, String type) {
        static InvalidPart of(Fault fault) {
            return new InvalidPart(fault.path(), fault.message(), fault.type());
        }
    }

    static Problem of(HttpStatus status, String code, String detail, String instance) {
        return new Problem(
                "urn:kloigos:problem:" + code, status.getMessage(), status.getCode(), detail, code, instance);
    }

    static Problem of(KloigosException error, String instance) {
        return of(status(error.code()), code(error.code()), String.valueOf(error.getMessage()), instance);
    }

    /** Returns the name of an error code in the API. */
    static String code(ErrorCode code) {
        return code.name().toLowerCase(Locale.ROOT);
    }

    private static HttpStatus status(ErrorCode code) {
        return switch (code) {
            case INVALID_REQUEST, HOST_UNSUITABLE -> HttpStatus.UNPROCESSABLE_CONTENT;
            case UNAUTHORIZED -> HttpStatus.UNAUTHORIZED;
            case FORBIDDEN -> HttpStatus.FORBIDDEN;
            case TOO_MANY_REQUESTS -> HttpStatus.TOO_MANY_REQUESTS;
            case NOT_FOUND -> HttpStatus.NOT_FOUND;
            default ->
                switch (code.kind()) {
                    case REQUEST -> HttpStatus.BAD_REQUEST;
                    case STATE -> HttpStatus.CONFLICT;
                    case HOST, STORE, SERVICE -> HttpStatus.SERVICE_UNAVAILABLE;
                    case PROGRAM -> HttpStatus.INTERNAL_SERVER_ERROR;
                };
        };
    }
}
