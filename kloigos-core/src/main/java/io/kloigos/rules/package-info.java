/** The decisions of Kloigos as pure functions: what is refused, how a server is cut, which unit is given. */
@NullMarked
package io.kloigos.rules;

import org.jspecify.annotations.NullMarked;
