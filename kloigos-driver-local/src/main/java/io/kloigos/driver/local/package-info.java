/** Applies plans to the machine it runs on. */
@NullMarked
package io.kloigos.driver.local;

import org.jspecify.annotations.NullMarked;
