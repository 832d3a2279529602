package io.kloigos.model;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalInt;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;

/**
 * What an operator asks for when a host comes under management.
 *
 * @param address how the host is reached; a host key given here is required, else the first one seen is pinned
 * @param region where it stands
 * @param zone where in the region it stands
 * @param division how its CPUs are divided into units
 * @param housekeeping what the system and root's logins keep. Null means the CPUs that no unit has, of which Kloigos leaves
 *     one of 16, at least one core, where it chooses the CPUs of units. Beside {@link UnitDivision.Ranges} no number is taken
 * @param dataDisks none, one for all units to share, or one per unit in the order of their CPUs as given or chosen
 * @param limits the limits of every unit
 * @param unitVolumes a logical volume for each unit, instead of data disks; null for none
 */
public record InitServerRequest(
        HostAddress address,
        String region,
        String zone,
        UnitDivision division,
        @Nullable Housekeeping housekeeping,
        List<DataDisk> dataDisks,
        LimitRequest limits,
        @Nullable UnitVolumes unitVolumes) {
    public InitServerRequest {
        Objects.requireNonNull(address);
        Objects.requireNonNull(division);
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
        if (division instanceof UnitDivision.Ranges ranges) {
            Map<Integer, CpuSet> byIndex = new TreeMap<>();
            for (int i = 0; i < ranges.cpus().size(); i++) {
                byIndex.put(i, ranges.cpus().get(i));
            }
            faults.addAll(cpuRangeFaults(byIndex, housekeeping));
        }
        faults.addAll(dataDiskFaults(dataDisks, division.units()));
        faults.addAll(unitVolumeFaults(dataDisks, unitVolumes));
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot init " + address.hostname());
    }

    /** Creates a request for units that get no logical volumes. */
    public InitServerRequest(
            HostAddress address,
            String region,
            String zone,
            UnitDivision division,
            @Nullable Housekeeping housekeeping,
            List<DataDisk> dataDisks,
            LimitRequest limits) {
        this(address, region, zone, division, housekeeping, dataDisks, limits, null);
    }

    /** Returns a request for units on {@code cpuRanges} that leaves every other choice to Kloigos. */
    public static InitServerRequest of(HostAddress address, String region, String zone, List<CpuSet> cpuRanges) {
        return of(address, region, zone, new UnitDivision.Ranges(cpuRanges));
    }

    /** Returns a request for units of this number or size that leaves every other choice to Kloigos. */
    public static InitServerRequest of(HostAddress address, String region, String zone, UnitDivision division) {
        return new InitServerRequest(address, region, zone, division, null, List.of(), LimitRequest.defaults());
    }

    /** Tells whether units store the data in /mnt on something else than the system's disk. */
    public boolean hasDataVolumes() {
        return !dataDisks.isEmpty() || unitVolumes != null;
    }

    /** Returns what is wrong with data disks and logical volumes together. */
    public static List<Fault> unitVolumeFaults(List<DataDisk> disks, @Nullable UnitVolumes unitVolumes) {
        Faults faults = new Faults();
        if (unitVolumes != null && !disks.isEmpty()) {
            faults.add("exclusive", "cannot stand beside data_disks: name only one of them", "volume_group");
        }
        return faults.found();
    }

    /**
     * Returns what is wrong with the CPU ranges as a whole: none at all, empty ones, overlaps, two units of one name, a CPU
     * both of the system and in a unit, a number of housekeeping CPUs.
     *
     * @param cpuRanges by their index in the request; those that could not be read are left out
     */
    public static List<Fault> cpuRangeFaults(Map<Integer, CpuSet> cpuRanges, @Nullable Housekeeping housekeeping) {
        Faults faults = new Faults();
        if (cpuRanges.isEmpty()) {
            faults.add("cpu_ranges", "name at least one CPU range, such as \"0-15\"", "cpu_ranges");
        } else if (cpuRanges.size() > UnitDivision.MOST_UNITS) {
            faults.add("cpu_ranges", "a server can have at most " + UnitDivision.MOST_UNITS + " units", "cpu_ranges");
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
            if (housekeeping instanceof Housekeeping.Cpus named && named.cpus().intersects(cpus)) {
                faults.add(
                        "cpu_range_housekeeping",
                        cpus + " shares CPU " + cpus.intersect(named.cpus()) + " with housekeeping_cpus",
                        "cpu_ranges",
                        index);
            }
        }
        if (housekeeping instanceof Housekeeping.Count) {
            faults.add(
                    "housekeeping_cpus",
                    "beside cpu_ranges, name the CPUs: their number is what the ranges leave",
                    "housekeeping_cpus");
        }
        return faults.found();
    }

    /**
     * Returns what is wrong with the data disks as a whole: named twice, or a number that cannot be given to the units.
     *
     * @param units how many units there will be; empty if that is not known yet
     */
    public static List<Fault> dataDiskFaults(List<DataDisk> disks, OptionalInt units) {
        Faults faults = new Faults();
        if (disks.size() > 1 && disks.size() != units.orElse(disks.size())) {
            faults.add(
                    "data_disks",
                    disks.size() + " data disks for " + units.getAsInt()
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
