package io.kloigos.testkit;

import io.kloigos.model.Capability;
import java.util.HashMap;
import java.util.List;
import java.util.Map;

/**
 * The commands of one fake host. Only what Kloigos' plans use is known; anything else fails as unknown, so that a plan
 * which needs more does not pass unseen.
 */
final class FakeTools {
    private static final Map<String, Capability> NEEDED = Map.ofEntries(
            Map.entry("systemd-sysusers", Capability.SYSUSERS),
            Map.entry("setquota", Capability.QUOTA_TOOLS),
            Map.entry("repquota", Capability.QUOTA_TOOLS),
            Map.entry("chattr", Capability.QUOTA_TOOLS),
            Map.entry("keyctl", Capability.KEYCTL),
            Map.entry("ss", Capability.SOCKET_STATISTICS),
            Map.entry("mkfs.ext4", Capability.MKFS_EXT4),
            Map.entry("mkfs.xfs", Capability.MKFS_XFS),
            Map.entry("lvs", Capability.LVM),
            Map.entry("lvcreate", Capability.LVM),
            Map.entry("lvremove", Capability.LVM));

    /** What a command does. */
    interface Tool {
        String run(Arguments arguments, String stdin);
    }

    private final FakeMachine machine;
    private final Map<String, Tool> tools = new HashMap<>();

    FakeTools(FakeMachine machine) {
        this.machine = machine;
        tools.put("true", (arguments, stdin) -> "");
        tools.put("false", (arguments, stdin) -> {
            throw new Refused("");
        });
        tools.put("sleep", (arguments, stdin) -> {
            throw new FakePlans.TimeRanOut();
        });
        tools.put("systemctl", (arguments, stdin) -> machine.systemd.systemctl(arguments.all()));
        tools.put("ss", (arguments, stdin) -> machine.sockets.run(arguments.all()));
        FileTools fileTools = new FileTools(machine);
        fileTools.addTo(tools);
        new AccountTools(machine).addTo(tools);
        new DiskTools(machine).addTo(tools);
        new KernelTools(machine, fileTools).addTo(tools);
    }

    String run(List<String> argv, String stdin) {
        String command = argv.get(0);
        Tool tool = tools.get(command);
        if (tool == null) {
            throw Refused.unknown(
                    command + ": command not found (the fake host does not know: " + String.join(" ", argv) + ")");
        }
        require(command);
        return tool.run(new Arguments(argv), stdin);
    }

    /** Refuses a command that a host of these capabilities does not have. */
    void require(String command) {
        Capability needed = NEEDED.get(command);
        if (needed != null && !machine.capabilities.contains(needed)) {
            throw new Refused(command + ": command not found");
        }
    }
}
