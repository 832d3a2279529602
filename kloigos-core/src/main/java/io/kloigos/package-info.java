/** The facade: everything that can be done to a fleet, for programs that embed Kloigos. */
@NullMarked
package io.kloigos;

import org.jspecify.annotations.NullMarked;
