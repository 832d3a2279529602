package io.kloigos.model;

import org.jspecify.annotations.Nullable;

/**
 * Which operations to list; every part that is not null must match.
 *
 * @param computeId the name of the unit on which they are
 * @param hostname the server on which, or on whose units, they are
 * @param kind what they do
 * @param state how far they are
 * @param owner on whose units they are
 */
public record OperationFilter(
        @Nullable String computeId,
        @Nullable String hostname,
        Operation.@Nullable Kind kind,
        Operation.@Nullable State state,
        @Nullable Tenant owner) {
    /** Returns the filter that every operation passes. */
    public static OperationFilter all() {
        return new OperationFilter(null, null, null, null, null);
    }
}
