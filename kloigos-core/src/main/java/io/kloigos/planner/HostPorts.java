package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.HostFacts;
import io.kloigos.model.PortEnforcement;
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
        steps.rootFile(HostFiles.SYSCTL, HostFiles.sysctl(server.facts(), reserved.toString()));
        steps.run("sysctl", "-q", "-p", HostFiles.SYSCTL);
        steps.add(kernelSettings(server.facts(), reserved));
        steps.run("systemctl", "restart", HostFiles.PORTS_SERVICE);
        steps.add(portsEnforced(units));
        ComputeUnit first = units.get(0);
        if (first.limits().portEnforcement() != PortEnforcement.NFTABLES) {
            bindsRefused(steps, first.ports().start());
        }
    }

    /**
     * A systemd may be built with BPF on a kernel without, and then refuses nothing. So a program is run that must not get
     * the port: it ends with 1 where it is refused, and waits for a client, until its time is up, where it is not.
     */
    private static void bindsRefused(Steps steps, int port) {
        steps.run(
                "systemd-run",
                "--wait",
                "--collect",
                "--description=SocketBindDeny= must refuse this program its port",
                "-p",
                "SocketBindDeny=tcp:" + port,
                "-p",
                "SuccessExitStatus=1",
                "timeout",
                "20",
                "systemd-socket-activate",
                "-l",
                "127.0.0.1:" + port,
                "true");
    }

    private static Step kernelSettings(HostFacts facts, PortSet reserved) {
        List<String> argv = new ArrayList<>(List.of("cat", HostFiles.RESERVED_PORTS));
        StringBuilder expected = new StringBuilder(reserved.toString());
        for (HostFiles.Setting setting : HostFiles.settings(facts)) {
            argv.add(setting.path());
            expected.append('\n').append(setting.value());
        }
        return new Step.Expectation(new Reading.Output(argv), expected.toString());
    }

    static void set(Steps steps, List<HostFiles.Setting> settings) {
        for (HostFiles.Setting setting : settings) {
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

    /** What the host had reserved before init stays reserved, and what the kernel was set to it is set to again. */
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
        set(steps, HostFiles.settingsBefore(facts));
    }
}
