package io.kloigos.model;

import java.util.List;
import java.util.OptionalInt;

/** How the CPUs of a host are divided into units. */
public sealed interface UnitDivision {
    /** The most units that a server can have. */
    int MOST_UNITS = 300;

    /** Returns the name of the request's field that says so. */
    String field();

    /** Returns how many units it makes; empty if that depends on the host. */
    OptionalInt units();

    /** Returns where in a request the fault of one unit lies. */
    default Object[] path(int unit) {
        return new Object[] {field()};
    }

    /**
     * These CPUs for each unit.
     *
     * @param cpus one set a unit
     */
    record Ranges(List<CpuSet> cpus) implements UnitDivision {
        public Ranges {
            cpus = List.copyOf(cpus);
        }

        @Override
        public String field() {
            return "cpu_ranges";
        }

        @Override
        public OptionalInt units() {
            return OptionalInt.of(cpus.size());
        }

        @Override
        public Object[] path(int unit) {
            return new Object[] {field(), unit};
        }
    }

    /**
     * So many units of one size, as large as possible.
     *
     * @param count how many, 1 to {@link #MOST_UNITS}
     */
    record Count(int count) implements UnitDivision {
        public Count {
            if (count < 1 || count > MOST_UNITS) {
                throw KloigosException.invalid(
                        "units", "a server can have 1 to " + MOST_UNITS + " units, not " + count);
            }
        }

        @Override
        public String field() {
            return "units";
        }

        @Override
        public OptionalInt units() {
            return OptionalInt.of(count);
        }
    }

    /**
     * As many units of this size as possible.
     *
     * @param cpus CPUs of each, 1 or more
     */
    record Size(int cpus) implements UnitDivision {
        public Size {
            if (cpus < 1 || cpus > CpuSet.MAX_CPU + 1) {
                throw KloigosException.invalid("cpus_per_unit", cpus + " is not a number of CPUs");
            }
        }

        @Override
        public String field() {
            return "cpus_per_unit";
        }

        @Override
        public OptionalInt units() {
            return OptionalInt.empty();
        }
    }
}
