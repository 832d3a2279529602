package io.kloigos.examples;

import io.kloigos.model.ComputeUnit;
import io.kloigos.testkit.escape.EscapeSuite;
import io.kloigos.testkit.escape.Party;
import io.kloigos.testkit.lab.Lab;

/** Lets a hostile tenant try to leave its unit, with a second unit as the neighbour. */
public final class TryToEscape {
    private TryToEscape() {}

    /** Prints what became of each attempt; both units must be allocated, and nobody else's. */
    public static void tryToEscape(Lab lab, ComputeUnit tenant, ComputeUnit neighbour) {
        try (EscapeSuite suite = EscapeSuite.start(lab::ssh, Party.of(tenant), Party.of(neighbour))) {
            suite.run().forEach(System.out::println); // or suite.run("ports.squat_tcp", "cpu.taskset")
        }
    }
}
