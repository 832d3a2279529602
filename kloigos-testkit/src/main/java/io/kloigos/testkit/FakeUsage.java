package io.kloigos.testkit;

import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The counters of the users' slices of one fake host, made up from what runs there. A fake host has no clock: time passes in a
 * slice by looking at it, so that every look finds the counters grown. Guarded by the host.
 */
final class FakeUsage {
    private static final Pattern COUNTER =
            Pattern.compile(FakeSystemd.CGROUPS + "/user\\.slice/user-(\\d+)\\.slice/([a-z.]+)");
    private static final long BYTES_PER_TASK = 24L << 20;
    private static final long MICROS_PER_LOOK = 90_000;
    private static final long BYTES_PER_LOOK = 384L << 10;

    private final FakeMachine machine;
    private final Map<Integer, Integer> looks = new HashMap<>();

    FakeUsage(FakeMachine machine) {
        this.machine = machine;
    }

    /** Returns the text of a counter of a slice that is there; null if the path is that of something else. */
    @Nullable
    String text(String path) {
        Matcher matcher = COUNTER.matcher(path);
        if (!matcher.matches() || machine.files.find(FakeFiles.above(path)) == null) {
            return null;
        }
        return counter(Integer.parseInt(matcher.group(1)), matcher.group(2));
    }

    private @Nullable String counter(int uid, String name) {
        List<FakeMachine.Task> tasks =
                machine.processes().stream().filter(task -> task.uid() == uid).toList();
        long looked = looks.getOrDefault(uid, 0);
        return switch (name) {
            case "cpu.stat" ->
                "usage_usec " + looks.merge(uid, 1, Integer::sum) * MICROS_PER_LOOK * tasks.size() + "\n";
            case "memory.current" -> (tasks.size() * BYTES_PER_TASK + looked % 8 * BYTES_PER_LOOK) + "\n";
            case "memory.swap.current" -> "0\n";
            case "memory.events" -> "low 0\nhigh 0\nmax 0\noom 0\noom_kill 0\noom_group_kill 0\n";
            case "pids.current" -> tasks.size() + "\n";
            case "cpu.pressure" -> pressure(looked % 4);
            case "memory.pressure", "io.pressure" -> pressure(0);
            case "io.stat" -> machine.cgroupControllers.contains("io") ? io(looked) : null;
            default -> null;
        };
    }

    private static String pressure(long percent) {
        return "some avg10=%d.00 avg60=0.00 avg300=0.00 total=0\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=0\n"
                .formatted(percent);
    }

    private String io(long looked) {
        return machine.disks.all.stream()
                .findFirst()
                .map(disk -> "%s rbytes=%d wbytes=%d rios=%d wios=%d dbytes=0 dios=0\n"
                        .formatted(
                                disk.number,
                                looked * BYTES_PER_LOOK,
                                looked * 2 * BYTES_PER_LOOK,
                                looked * 3,
                                looked * 7))
                .orElse("");
    }
}
