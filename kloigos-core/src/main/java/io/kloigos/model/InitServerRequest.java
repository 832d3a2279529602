package io.kloigos.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an operator asks for when a host comes under management.
 *
 * @param address how the host is reached; a host key given here is required, else the first one seen is pinned
 * @param region where it stands
 * @param zone where in the region it stands
 * @param cpuRanges the CPUs of each unit, at least one unit
 * @param reservedCpus housekeeping CPUs; null means those that no unit has
 * @param dataDisks none, one for all units to share, or one per unit in the order of {@code cpuRanges}
 * @param limits the limits of every unit
 */
public record InitServerRequest(
        HostAddress address,
        String region,
        String zone,
        List<CpuSet> cpuRanges,
        @Nullable CpuSet reservedCpus,
        List<DataDisk> dataDisks,
        LimitRequest limits) {
    private static final int MOST_UNITS = 300;

    public InitServerRequest {
        Objects.requireNonNull(address);
        cpuRanges = List.copyOf(cpuRanges);
        dataDisks = List.copyOf(dataDisks);
        Faults faults = new Faults();
        String finalRegion = region;
        String finalZone = zone;
        faults.attempt(
                () -> {
                    Names.requirePlace("region", finalRegion);
                    return finalRegion;
                },
                "region");
        faults.attempt(
                () -> {
                    Names.requirePlace("zone", finalZone);
                    return finalZone;
                },
                "zone");
        Map<Integer, CpuSet> byIndex = new TreeMap<>();
        for (int i = 0; i < cpuRanges.size(); i++) {
            byIndex.put(i, cpuRanges.get(i));
        }
        faults.addAll(cpuRangeFaults(byIndex, reservedCpus));
        faults.addAll(dataDiskFaults(dataDisks, cpuRanges.size()));
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot init " + address.hostname());
    }

    /** Returns a request for units on {@code cpuRanges} that leaves every other choice to Kloigos. */
    public static InitServerRequest of(HostAddress address, String region, String zone, List<CpuSet> cpuRanges) {
        return new InitServerRequest(address, region, zone, cpuRanges, null, List.of(), LimitRequest.defaults());
    }

    /**
     * Returns what is wrong with the CPU ranges as a whole: none at all, empty ones, overlaps, two units of one name, a CPU
     * both reserved and in a unit.
     *
     * @param cpuRanges by their index in the request; those that could not be read are left out
     */
    public static List<Fault> cpuRangeFaults(Map<Integer, CpuSet> cpuRanges, @Nullable CpuSet reservedCpus) {
        Faults faults = new Faults();
        if (cpuRanges.isEmpty()) {
            faults.add("cpu_ranges", "name at least one CPU range, such as \"0-15\"", "cpu_ranges");
        } else if (cpuRanges.size() > MOST_UNITS) {
            faults.add("cpu_ranges", "a server can have at most " + MOST_UNITS + " units", "cpu_ranges");
        }
        List<Map.Entry<Integer, CpuSet>> entries = new ArrayList<>(cpuRanges.entrySet());
        Map<String, Integer> names = new HashMap<>();
        for (int i = 0; i < entries.size(); i++) {
            int index = entries.get(i).getKey();
            CpuSet cpus = entries.get(i).getValue();
            if (cpus.isEmpty()) {
                faults.add("cpu_set", "a CPU range without CPUs is not a unit", "cpu_ranges", index);
                continue;
            }
            for (int j = 0; j < i; j++) {
                CpuSet shared = cpus.intersect(entries.get(j).getValue());
                if (!shared.isEmpty()) {
                    faults.add(
                            "cpu_range_overlap",
                            cpus + " shares CPU " + shared + " with cpu_ranges["
                                    + entries.get(j).getKey() + "]",
                            "cpu_ranges",
                            index);
                }
            }
            Integer namesake = names.putIfAbsent(Names.suffix(cpus), index);
            if (namesake != null) {
                faults.add(
                        "cpu_range_name",
                        cpus + " has the same short name as cpu_ranges[" + namesake + "]",
                        "cpu_ranges",
                        index);
            }
            if (reservedCpus != null && reservedCpus.intersects(cpus)) {
                faults.add(
                        "cpu_range_reserved",
                        cpus + " shares CPU " + cpus.intersect(reservedCpus) + " with reserved_cpus",
                        "cpu_ranges",
                        index);
            }
        }
        if (reservedCpus != null && reservedCpus.isEmpty()) {
            faults.add("cpu_set", "name the CPUs to reserve, or leave reserved_cpus out", "reserved_cpus");
        }
        return faults.found();
    }

    /** Returns what is wrong with the data disks as a whole: named twice, or a number that cannot be given to the units. */
    public static List<Fault> dataDiskFaults(List<DataDisk> disks, int units) {
        Faults faults = new Faults();
        if (disks.size() > 1 && disks.size() != units) {
            faults.add(
                    "data_disks",
                    disks.size() + " data disks for " + units
                            + " units: name one disk for all to share, or one per unit",
                    "data_disks");
        }
        for (int i = 0; i < disks.size(); i++) {
            for (int j = 0; j < i; j++) {
                if (disks.get(i).device().equals(disks.get(j).device())) {
                    faults.add("data_disk_twice", disks.get(i).device() + " is named twice", "data_disks", i);
                }
            }
        }
        return faults.found();
    }
}
