/** The facade before a fleet that a server manages, over its HTTP API. */
@NullMarked
package io.kloigos.client;

import org.jspecify.annotations.NullMarked;
