/** The store: servers, units and operations in one SQL database. */
@NullMarked
package io.kloigos.inventory;

import org.jspecify.annotations.NullMarked;
