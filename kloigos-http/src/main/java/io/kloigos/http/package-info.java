/** The HTTP API and the kloigos command. */
@NullMarked
package io.kloigos.http;

import org.jspecify.annotations.NullMarked;
