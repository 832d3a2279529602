package io.kloigos.model;

import java.time.DateTimeException;
import java.time.Instant;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where an operation stands in lists, which go from the newest to the oldest. It stays a place when the operation is forgotten,
 * and what begins meanwhile stands before it.
 *
 * @param createdAt when the operation was asked for
 * @param id the operation's id, by which those of the same time are in order
 */
public record OperationPlace(Instant createdAt, String id) {
    private static final Pattern FORMAT = Pattern.compile("([^_]{1,40})_([A-Za-z0-9-]{1,64})");

    /** Returns the place of this operation. */
    public static OperationPlace of(Operation operation) {
        return new OperationPlace(operation.createdAt(), operation.id());
    }

    /**
     * Returns the place that {@link #toString()} printed.
     *
     * @throws KloigosException INVALID_REQUEST if the text is anything else
     */
    public static OperationPlace parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        if (matcher.matches()) {
            try {
                return new OperationPlace(Instant.parse(matcher.group(1)), matcher.group(2));
            } catch (DateTimeException e) {
                // Told below.
            }
        }
        throw KloigosException.invalid(
                "operation_place", "is not a place in a list: take it from the Link header of the page before");
    }

    /** Returns {@code createdAt_id}. */
    @Override
    public String toString() {
        return createdAt + "_" + id;
    }
}
