/** The lab: a real many-CPU Linux host under QEMU, for tests that no fake can stand in for. */
@NullMarked
package io.kloigos.testkit.lab;

import org.jspecify.annotations.NullMarked;
