/** The HTTP API: what it accepts, what it answers, and how it tells of events. Described in {@code /api/openapi.json}. */
@NullMarked
package io.kloigos.http;

import org.jspecify.annotations.NullMarked;
