package io.kloigos.model;

import org.jspecify.annotations.Nullable;

/**
 * Which servers to list; every part that is not null must match.
 *
 * @param region where they stand
 * @param zone where in the region
 * @param status what they are
 */
public record ServerFilter(
        @Nullable String region,
        @Nullable String zone,
        @Nullable ServerStatus status) {}
