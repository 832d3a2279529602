/** What bin/bench runs: measurements of the control plane, each beside a reference of the same run. */
@NullMarked
package io.kloigos.http.bench;

import org.jspecify.annotations.NullMarked;
