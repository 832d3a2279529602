/** The words of Kloigos as value types: CPU sets, port ranges, limits, servers, units, facts, operations, errors. */
@NullMarked
package io.kloigos.model;

import org.jspecify.annotations.NullMarked;
