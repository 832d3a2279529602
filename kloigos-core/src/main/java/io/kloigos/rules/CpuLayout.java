package io.kloigos.rules;

import io.kloigos.model.CpuSet;
import io.kloigos.model.Faults;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Housekeeping;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.UnitDivision;
import java.util.List;
import java.util.OptionalInt;
import java.util.function.IntPredicate;
import java.util.stream.Collectors;
import java.util.stream.IntStream;

/**
 * Which CPUs each unit of a server has, and which the system keeps.
 *
 * @param units the CPUs of each unit; none if what is asked for does not fit
 * @param housekeeping the CPUs on which the system and root's logins run; empty if units have every CPU
 */
record CpuLayout(List<CpuSet> units, CpuSet housekeeping) {
    CpuLayout {
        units = List.copyOf(units);
    }

    /** Returns every CPU that a unit has. */
    CpuSet taken() {
        return units.stream().reduce(CpuSet.empty(), CpuSet::union);
    }

    /** Returns how {@code request} divides the CPUs of a host, and adds to {@code faults} why it cannot. */
    static CpuLayout of(InitServerRequest request, HostFacts facts, Faults faults) {
        List<CpuSet> units = units(request, facts, faults);
        CpuSet others = facts.onlineCpus().minus(units.stream().reduce(CpuSet.empty(), CpuSet::union));
        return new CpuLayout(units, request.housekeeping() instanceof Housekeeping.Cpus named ? named.cpus() : others);
    }

    private static List<CpuSet> units(InitServerRequest request, HostFacts facts, Faults faults) {
        UnitDivision division = request.division();
        if (division instanceof UnitDivision.Ranges ranges) {
            return ranges.cpus();
        }
        WholeCores cores = WholeCores.of(facts, request.housekeeping());
        return division instanceof UnitDivision.Count count
                ? equalUnits(cores, count.count(), faults)
                : unitsOf(cores, ((UnitDivision.Size) division).cpus(), faults);
    }

    /**
     * Returns so many units, as large as possible. A unit has CPUs of several NUMA nodes only where there are at least twice
     * as many nodes as units: else whole nodes would be nobody's.
     */
    private static List<CpuSet> equalUnits(WholeCores cores, int count, Faults faults) {
        int nodesPerUnit = Math.max(1, cores.nodes() / count);
        for (int size = cores.cpus() / count; size > 0; size--) {
            List<CpuSet> units = cores.divide(size, count, nodesPerUnit);
            if (units.size() == count) {
                return units;
            }
        }
        int most = IntStream.rangeClosed(1, cores.threadsPerCore())
                .map(size -> cores.divide(size, cores.cpus(), 1).size())
                .max()
                .orElse(0);
        faults.add(
                "units_do_not_fit",
                count + " units do not fit: each needs a core of its own, and the system keeps " + cores.kept() + "; "
                        + (most == 0 ? "nothing is left" : most + " would fit"),
                "units");
        return List.of();
    }

    /** Returns as many units of this size as possible, each on as few NUMA nodes as possible. */
    private static List<CpuSet> unitsOf(WholeCores cores, int size, Faults faults) {
        List<CpuSet> units = largestPossible(cores, size);
        if (units.isEmpty()) {
            faults.add(
                    "unit_does_not_fit", "no unit of " + size + " CPUs fits" + insteadOf(cores, size), "cpus_per_unit");
        } else if (units.size() > UnitDivision.MOST_UNITS) {
            faults.add(
                    "units_too_many",
                    units.size() + " units of " + size + " CPUs would fit, and a server can have at most "
                            + UnitDivision.MOST_UNITS + ": ask for larger ones, or say how many with units",
                    "cpus_per_unit");
            return List.of();
        }
        return units;
    }

    private static List<CpuSet> largestPossible(WholeCores cores, int size) {
        return IntStream.rangeClosed(1, cores.nodes())
                .mapToObj(nodesPerUnit -> cores.divide(size, cores.cpus(), nodesPerUnit))
                .filter(units -> !units.isEmpty())
                .findFirst()
                .orElse(List.of());
    }

    private static String insteadOf(WholeCores cores, int size) {
        IntPredicate fits = other -> !largestPossible(cores, other).isEmpty();
        OptionalInt smaller = IntStream.iterate(
                        Math.min(size - 1, cores.cpus()), other -> other > 0, other -> other - 1)
                .filter(fits)
                .findFirst();
        OptionalInt larger =
                IntStream.rangeClosed(size + 1, cores.cpus()).filter(fits).findFirst();
        String sizes = IntStream.concat(smaller.stream(), larger.stream())
                .mapToObj(Integer::toString)
                .collect(Collectors.joining(" or "));
        return ": units are made of whole cores, and the system keeps " + cores.kept()
                + (sizes.isEmpty() ? "; nothing is left" : "; " + sizes + " would fit");
    }
}
