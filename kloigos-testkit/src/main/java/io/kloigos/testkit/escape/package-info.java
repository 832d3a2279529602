/** The escape suite: a hostile tenant's attempts to leave a unit, and what became of each. */
@NullMarked
package io.kloigos.testkit.escape;

import org.jspecify.annotations.NullMarked;
