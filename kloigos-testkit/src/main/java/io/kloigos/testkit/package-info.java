/** A stateful fake host, a JUnit extension that stages fleets of them, and the contract of host drivers. */
@NullMarked
package io.kloigos.testkit;

import org.jspecify.annotations.NullMarked;
