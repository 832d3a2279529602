package io.kloigos.examples;

import io.kloigos.testkit.lab.Lab;

/** Asks a real host in a virtual machine; for tests of what only a kernel can tell. */
public final class AskTheLab {
    private AskTheLab() {}

    /** Prints how many CPUs the host has. */
    public static void main(String[] arguments) {
        Lab lab = Lab.start(Lab.Release.BOOKWORM); // uses one that already runs
        lab.restore();
        String cpus = lab.root("nproc").ok();
        System.out.println("CPUs: " + cpus.strip());
    }
}
