/** The {@code kloigos} command: the only place that knows both the HTTP API and a host driver. */
@NullMarked
package io.kloigos.command;

import org.jspecify.annotations.NullMarked;
