package io.kloigos.testkit;

import org.junit.jupiter.api.extension.ExtendWith;

/**
 * What every host driver must do, as tests. Whoever writes a driver implements this interface in a test class and runs it.
 *
 * <p>The driver must act as root. On the host the tests change nothing but what is below {@link #scratchDirectory()}, and use
 * the commands {@code true}, {@code false}, {@code test}, {@code cat}, {@code cp}, {@code ln}, {@code touch} and {@code
 * sleep} only.
 */
@ExtendWith(ContractTally.class)
public interface HostDriverContract
        extends FactsContract, FileStepsContract, CommandContract, ReadingContract, PlanContract {}
