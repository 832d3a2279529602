/** Turns what the inventory says into plans that a host driver can apply. */
@NullMarked
package io.kloigos.planner;

import org.jspecify.annotations.NullMarked;
