package io.kloigos.model;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/**
 * The only exception that Kloigos throws on purpose. Its message says what was attempted, on what, what was seen and what
 * to do; {@link #code()} says the same to programs.
 */
public final class KloigosException extends RuntimeException {
    private final ErrorCode code;
    private final transient List<Fault> faults;

    /** An error without separate faults. */
    public KloigosException(ErrorCode code, String message) {
        this(code, message, (Throwable) null);
    }

    /** An error caused by another one. */
    public KloigosException(ErrorCode code, String message, @Nullable Throwable cause) {
        super(message, cause);
        this.code = Objects.requireNonNull(code);
        this.faults = List.of();
    }

    /** An error made of faults; the message is {@code attempted} followed by each of them. */
    public KloigosException(ErrorCode code, String attempted, List<Fault> faults) {
        super(attempted + ": " + faults.stream().map(Fault::toString).collect(Collectors.joining("; ")));
        this.code = Objects.requireNonNull(code);
        this.faults = List.copyOf(faults);
    }

    /** Returns an {@link ErrorCode#INVALID_REQUEST} with a single fault about the value itself (an empty path). */
    public static KloigosException invalid(String type, String message) {
        return new KloigosException(ErrorCode.INVALID_REQUEST, "Invalid value", List.of(Fault.of(type, message)));
    }

    /** Returns the stable code. */
    public ErrorCode code() {
        return code;
    }

    /** Returns every fault of a refused request; empty for other errors. */
    public List<Fault> faults() {
        return faults == null ? List.of() : faults;
    }
}
