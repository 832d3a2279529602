/** A stateful fake host, the contract of host drivers and the lab. */
@NullMarked
package io.kloigos.testkit;

import org.jspecify.annotations.NullMarked;
