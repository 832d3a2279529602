/**
 * Applies plans over SSH: a plan becomes one POSIX shell program, sent over one exec, which reports each step as it ends.
 *
 * @see io.kloigos.driver.ssh.SshHostDriver
 */
@NullMarked
package io.kloigos.driver.ssh;

import org.jspecify.annotations.NullMarked;
