/** Programs that show how Kloigos is used. */
@NullMarked
package io.kloigos.examples;

import org.jspecify.annotations.NullMarked;
