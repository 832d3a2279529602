/** What a host driver implements: it opens sessions on hosts, tells their facts and applies plans. */
@NullMarked
package io.kloigos.spi;

import org.jspecify.annotations.NullMarked;
