package io.kloigos.model;

/** Which CPUs of a host the system and root's logins keep. */
public sealed interface Housekeeping {
    /**
     * At least so many, chosen by Kloigos.
     *
     * @param cpus how many, 1 or more
     */
    record Count(int cpus) implements Housekeeping {
        public Count {
            if (cpus < 1 || cpus > CpuSet.MAX_CPU + 1) {
                throw KloigosException.invalid("housekeeping_cpus", cpus + " is not a number of CPUs");
            }
        }
    }

    /**
     * These.
     *
     * @param cpus at least one
     */
    record Cpus(CpuSet cpus) implements Housekeeping {
        public Cpus {
            if (cpus.isEmpty()) {
                throw KloigosException.invalid("cpu_set", "name the CPUs, or leave housekeeping_cpus out");
            }
        }
    }
}
