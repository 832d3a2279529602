package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Server;
import io.kloigos.spi.Condition;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;

/** The steps by which the kernel keeps ports, and directories that everybody shares, from those they do not belong to. */
final class HostPorts {
    /** Whose start brings the ports service. */
    static final String PORTS_WANTED_BY = "sysinit.target";

    private HostPorts() {}

    static void enforcePorts(Steps steps, Server server, List<ComputeUnit> units) {
        PortSet reserved = reservedPorts(server, units);
        steps.rootFile(HostFiles.SYSCTL, HostFiles.sysctl(reserved.toString()));
        steps.run("sysctl", "-q", "-p", HostFiles.SYSCTL);
        steps.add(kernelSettings(reserved));
        steps.run("systemctl", "restart", HostFiles.PORTS_SERVICE);
        steps.add(portsEnforced(units));
    }

    private static Step kernelSettings(PortSet reserved) {
        List<String> argv = new ArrayList<>(List.of("cat", HostFiles.RESERVED_PORTS));
        StringBuilder expected = new StringBuilder(reserved.toString());
        for (HostFiles.Setting setting : HostFiles.PROTECTED_FILES) {
            argv.add(setting.path());
            expected.append('\n').append(setting.value());
        }
        return new Step.Expectation(new Reading.Output(argv), expected.toString());
    }

    static void protectSharedDirectories(Steps steps) {
        for (HostFiles.Setting setting : HostFiles.PROTECTED_FILES) {
            steps.add(new Step.Command(List.of("tee", setting.path()), setting.value() + "\n"));
            steps.expectFile(setting.value(), setting.path());
        }
    }

    static void reserve(Steps steps, PortSet reserved) {
        steps.add(new Step.Command(List.of("tee", HostFiles.RESERVED_PORTS), reserved + "\n"));
        steps.expectFile(reserved.toString(), HostFiles.RESERVED_PORTS);
    }

    /** Returns what the host had reserved before, and the ports of the units. */
    static PortSet reservedPorts(Server server, List<ComputeUnit> units) {
        PortSet reserved = PortSet.parse(server.facts().reservedPorts());
        units.forEach(unit -> reserved.with(unit.ports()));
        return reserved;
    }

    /** The kernel finds all of these elements, or the command fails. */
    static Step portsEnforced(List<ComputeUnit> units) {
        String elements = units.stream().map(HostFiles::owned).collect(Collectors.joining(", ", "{ ", " }"));
        return Step.Ensure.that(
                Condition.succeeds("nft", "get", "element", "inet", HostFiles.TABLE, "own", elements),
                "systemctl",
                "restart",
                HostFiles.PORTS_SERVICE);
    }

    /** What the host had reserved before init stays reserved. */
    static void releasePorts(Steps steps, HostFacts facts) {
        steps.stopped(HostFiles.PORTS_SERVICE);
        steps.remove(HostFiles.wants(PORTS_WANTED_BY) + "/" + HostFiles.PORTS_SERVICE);
        steps.remove(HostFiles.PORTS_SERVICE_FILE);
        steps.remove(HostFiles.PORTS_DROP_IN_FILE);
        // systemd forgets the drop-in with its next reload; without the rules it loads nothing until then.
        steps.remove(HostFiles.PORTS_RULES);
        steps.add(Step.Ensure.that(
                Condition.fails("nft", "list", "table", "inet", HostFiles.TABLE),
                "nft",
                "delete",
                "table",
                "inet",
                HostFiles.TABLE));
        steps.remove(HostFiles.SYSCTL);
        reserve(steps, PortSet.parse(facts.reservedPorts()));
    }
}
