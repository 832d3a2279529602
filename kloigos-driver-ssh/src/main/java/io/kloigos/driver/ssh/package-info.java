/** Applies plans over SSH. */
@NullMarked
package io.kloigos.driver.ssh;

import org.jspecify.annotations.NullMarked;
