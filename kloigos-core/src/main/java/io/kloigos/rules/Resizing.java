package io.kloigos.rules;

import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.CpuSet;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Faults;
import io.kloigos.model.HostFacts;
import io.kloigos.model.IoLimit;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Server;
import java.util.List;
import java.util.stream.Stream;

/** Whether a server can hold what a unit is resized to. */
public final class Resizing {
    private Resizing() {}

    /**
     * Makes sure that a unit can be resized so.
     *
     * @param resized the unit as it will be
     * @param others the other units of the server
     * @throws KloigosException INVALID_REQUEST with everything that speaks against it
     */
    public static void requireRoom(Server server, ComputeUnit resized, List<ComputeUnit> others) {
        Faults faults = new Faults();
        requireMemory(server, resized, others, faults);
        List<IoLimit> io = resized.limits().io();
        for (int i = 0; i < io.size(); i++) {
            String device = io.get(i).device();
            if (server.facts().wholeDisk(device).isEmpty()) {
                faults.add(
                        "device_unknown", device + " is not a whole disk of " + server.hostname(), "io", i, "device");
            }
        }
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot resize unit " + resized.id());
    }

    /** What init left to the system, as the operator wanted it or by default, stays with the system. */
    private static void requireMemory(Server server, ComputeUnit resized, List<ComputeUnit> others, Faults faults) {
        HostFacts facts = server.facts();
        long staged = Stream.concat(others.stream(), Stream.of(resized))
                .mapToLong(unit -> unit.baseLimits().memoryMax().bytes())
                .sum();
        long most =
                Math.max(staged, facts.memory().bytes() - server.memoryReserve().bytes());
        long free = most - memory(others);
        requireAtMost(resized, free, "of the server's memory", faults);
        facts.nodes().forEach((number, node) -> {
            if (isOnlyOn(number, resized)) {
                long ofNeighbours = memory(
                        others.stream().filter(unit -> isOnlyOn(number, unit)).toList());
                requireAtMost(resized, node.memory().bytes() - ofNeighbours, "of NUMA node " + number, faults);
            }
        });
    }

    private static boolean isOnlyOn(int node, ComputeUnit unit) {
        return unit.limits().memoryNodes().equals(CpuSet.of(node));
    }

    /** Returns what these units may use, or their next tenants will: a unit that was shrunk is handed out whole again. */
    private static long memory(List<ComputeUnit> units) {
        return units.stream()
                .mapToLong(unit -> Math.max(
                        unit.limits().memoryMax().bytes(),
                        unit.baseLimits().memoryMax().bytes()))
                .sum();
    }

    private static void requireAtMost(ComputeUnit resized, long free, String where, Faults faults) {
        if (resized.limits().memoryMax().bytes() > free) {
            faults.add(
                    "memory_max",
                    resized.limits().memoryMax() + " is more than the "
                            + new ByteSize(Math.max(0, free)).roundedDown(ByteSize.ofMebibytes(1)) + " " + where
                            + " that the other units leave",
                    "memory_max");
        }
    }
}
