package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuSet;
import io.kloigos.spi.Step.Access;
import java.math.BigDecimal;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The service manager of one host: units, their drop-ins, and the cgroups of slices. Guarded by the host.
 *
 * @see <a href="https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html">systemd.unit(5)</a>
 */
final class FakeSystemd {
    static final String CGROUPS = "/sys/fs/cgroup";
    private static final String ETC = "/etc/systemd/system";
    private static final String CONTROL = "/run/systemd/system.control";
    private static final Set<String> SETTABLE = Set.of(
            "AllowedCPUs",
            "AllowedMemoryNodes",
            "MemoryMax",
            "MemoryHigh",
            "MemorySwapMax",
            "TasksMax",
            "IOReadBandwidthMax",
            "IOWriteBandwidthMax",
            "IOReadIOPSMax",
            "IOWriteIOPSMax");
    private static final Pattern MANAGER = Pattern.compile("user@(\\d+)\\.service");
    private static final Pattern USER_SLICE = Pattern.compile("user-(\\d+)\\.slice");
    private static final ByteSize PAGE = ByteSize.ofKibibytes(4);
    private static final Access CGROUP_FILE = new Access(0, 0644);
    private static final Map<String, String> IO_LIMITS = Map.of(
            "IOReadBandwidthMax", "rbps",
            "IOWriteBandwidthMax", "wbps",
            "IOReadIOPSMax", "riops",
            "IOWriteIOPSMax", "wiops");

    private final FakeMachine machine;
    private final Set<String> builtIn = new HashSet<>(Set.of("nftables.service", "dbus.service"));
    private final Set<String> active = new TreeSet<>();
    /** The text of each loaded unit with its drop-ins as systemd knows it, which may be older than the files. */
    private final Map<String, String> loaded = new TreeMap<>();

    FakeSystemd(FakeMachine machine, Set<String> services) {
        this.machine = machine;
        builtIn.addAll(services);
        active.addAll(services);
    }

    void boot() {
        builtIn.forEach(this::load);
        for (String unit : List.of("system.slice", "init.scope", "user.slice", "user-0.slice")) {
            startCgroup(unit);
        }
    }

    void shutDown() {
        active.removeIf(unit -> !builtIn.contains(unit));
        loaded.clear();
    }

    Set<String> activeUnits() {
        return active;
    }

    boolean isActive(String unit) {
        return active.contains(unit);
    }

    /** Starts what is enabled, as at the end of a boot. */
    void startEnabled() {
        for (String wants : List.of("local-fs.target.wants", "sysinit.target.wants", "multi-user.target.wants")) {
            FakeFiles.Node directory = machine.files.find(ETC + "/" + wants);
            if (directory != null && directory.entries != null) {
                new ArrayList<>(directory.entries.keySet()).forEach(unit -> attempt(() -> start(unit)));
            }
        }
        FakeFiles.Node linger = machine.files.find("/var/lib/systemd/linger");
        if (linger != null && linger.entries != null) {
            for (String user : new ArrayList<>(linger.entries.keySet())) {
                FakeMachine.Account account = machine.accounts.get(user);
                if (account != null) {
                    attempt(() -> start("user@" + account.uid() + ".service"));
                }
            }
        }
    }

    /** Runs something whose failure a boot, or {@code --no-block}, does not tell. */
    private static void attempt(Runnable action) {
        try {
            action.run();
        } catch (Refused e) {
            if (e.isUnknown()) {
                throw e;
            }
        }
    }

    String systemctl(List<String> arguments) {
        List<String> words = new ArrayList<>();
        List<String> options = new ArrayList<>();
        List<String> properties = new ArrayList<>();
        for (int i = 0; i < arguments.size(); i++) {
            String argument = arguments.get(i);
            if (argument.equals("-p")) {
                properties.add(arguments.get(++i));
            } else if (argument.startsWith("--property=")) {
                properties.add(argument.substring("--property=".length()));
            } else if (argument.startsWith("-")) {
                options.add(argument);
            } else {
                words.add(argument);
            }
        }
        if (words.isEmpty()) {
            throw Refused.unknown("systemctl: no verb the fake host knows in " + arguments);
        }
        List<String> units = words.subList(1, words.size()).stream()
                .map(name -> name.contains(".") ? name : name + ".service")
                .toList();
        return switch (words.get(0)) {
            case "daemon-reload" -> reloadFiles();
            case "start" -> {
                units.forEach(unit -> requireFound("start", unit));
                units.forEach(unit -> {
                    if (options.contains("--no-block")) {
                        attempt(() -> start(unit));
                    } else {
                        start(unit);
                    }
                });
                yield "";
            }
            case "stop" -> each(units, this::stop);
            case "restart", "try-restart" ->
                each(units, unit -> {
                    requireFound("restart", unit);
                    stop(unit);
                    start(unit);
                });
            case "reload", "reload-or-restart" -> each(units, this::reload);
            case "enable" ->
                each(units, unit -> {
                    enable(unit);
                    if (options.contains("--now")) {
                        start(unit);
                    }
                });
            case "disable" ->
                each(units, unit -> {
                    disable(unit);
                    if (options.contains("--now")) {
                        stop(unit);
                    }
                });
            case "reset-failed" -> "";
            case "set-property" -> setProperty(words);
            case "is-active" -> answer(units.get(0), active.contains(units.get(0)), "active", "inactive");
            case "is-enabled" -> answer(units.get(0), isEnabled(units.get(0)), "enabled", "disabled");
            case "is-system-running" -> "running\n";
            case "show" -> show(units, properties, options.contains("--value"));
            default -> throw Refused.unknown("systemctl: the fake host does not know the verb " + words.get(0));
        };
    }

    private static String each(List<String> units, java.util.function.Consumer<String> action) {
        units.forEach(action);
        return "";
    }

    private static String answer(String unit, boolean yes, String positive, String negative) {
        if (!yes) {
            throw new Refused(unit + ": " + negative);
        }
        return positive + "\n";
    }

    private String show(List<String> units, List<String> properties, boolean bare) {
        StringBuilder out = new StringBuilder();
        for (String unit : units) {
            out.append(out.isEmpty() ? "" : "\n");
            for (String property : properties) {
                if (property.startsWith("SocketBind")) {
                    String text = loaded.containsKey(unit) ? loaded.get(unit) : text(unit);
                    parse(text, "Slice")
                            .getOrDefault(property, List.of())
                            .forEach(rule -> out.append(property)
                                    .append('=')
                                    .append(rule)
                                    .append('\n'));
                    continue;
                }
                String value =
                        switch (property) {
                            case "NeedDaemonReload" ->
                                loaded.containsKey(unit) && !text(unit).equals(loaded.get(unit)) ? "yes" : "no";
                            case "Id" -> unit;
                            case "DropInPaths" -> String.join(" ", dropIns(unit).keySet());
                            case "ActiveState" -> active.contains(unit) ? "active" : "inactive";
                            case "LoadState" -> exists(unit) ? "loaded" : "not-found";
                            default -> throw Refused.unknown("systemctl show: the fake host does not know " + property);
                        };
                out.append(bare ? "" : property + "=").append(value).append('\n');
            }
        }
        return out.toString();
    }

    /** Keeps each property in a drop-in of its own, and changes the live unit; its other properties stay as they were. */
    private String setProperty(List<String> words) {
        String unit = words.get(1);
        requireFound("set unit properties on", unit);
        String section = unit.endsWith(".scope") ? "Scope" : "Slice";
        Map<String, String> settings = new TreeMap<>();
        for (String assignment : words.subList(2, words.size())) {
            String name = assignment.substring(0, assignment.indexOf('='));
            if (!SETTABLE.contains(name)) {
                throw Refused.unknown("systemctl set-property: the fake host does not know " + name);
            }
            settings.merge(name, assignment + "\n", String::concat);
        }
        settings.forEach((name, lines) -> {
            String text = "[" + section + "]\n" + lines;
            machine.files.makeAll(CONTROL + "/" + unit + ".d");
            machine.files.put(CONTROL + "/" + unit + ".d/50-" + name + ".conf", text, CGROUP_FILE);
            // The newest says it last.
            loaded.merge(
                    unit,
                    "\n" + (name.startsWith("Allowed") ? "[" + section + "]\n" + name + "=\n" : "") + text,
                    String::concat);
        });
        writeCgroup(unit);
        return "";
    }

    private String reloadFiles() {
        for (String unit : new ArrayList<>(loaded.keySet())) {
            loaded.put(unit, text(unit));
            if (active.contains(unit) && hasCgroup(unit)) {
                writeCgroup(unit);
            }
        }
        return "";
    }

    private boolean exists(String unit) {
        return builtIn.contains(unit)
                || unit.endsWith(".slice")
                || unit.equals("init.scope")
                || MANAGER.matcher(unit).matches()
                || machine.files.find(ETC + "/" + unit) != null;
    }

    private void requireFound(String verb, String unit) {
        if (!exists(unit) && !loaded.containsKey(unit)) {
            throw new Refused("Failed to " + verb + " " + unit + ": Unit " + unit + " not found.");
        }
    }

    private void start(String unit) {
        requireFound("start", unit);
        if (active.contains(unit)) {
            return;
        }
        if (unit.startsWith("user@")) {
            startManager(unit);
        } else if (hasCgroup(unit)) {
            startCgroup(unit);
        } else if (unit.endsWith(".mount")) {
            load(unit);
            String what = one(unit, "Mount", "What");
            startMountsAbove(what);
            machine.disks.mount(
                    what, one(unit, "Mount", "Where"), one(unit, "Mount", "Type"), one(unit, "Mount", "Options"));
        } else if (builtIn.contains(unit)) {
            builtIn(unit, "ExecStartPost");
        } else {
            load(unit);
            execute(unit, "ExecStart");
        }
        active.add(unit);
    }

    /** What is mounted from a directory needs the file system that has it: systemd.mount(5), "Implicit Dependencies". */
    private void startMountsAbove(String what) {
        for (String unit : List.copyOf(machine.files.directory(ETC).list().keySet())) {
            if (unit.endsWith(".mount")
                    && settings(unit, "Mount").getOrDefault("Where", List.of()).stream()
                            .anyMatch(where -> what.startsWith(where + "/"))) {
                start(unit);
            }
        }
    }

    /** A mount unit follows the mount table, whoever changes it. */
    void unmounted(String point) {
        active.removeIf(
                unit -> unit.endsWith(".mount") && one(unit, "Mount", "Where").equals(point));
    }

    private void startManager(String unit) {
        int uid = Integer.parseInt(unit.substring("user@".length(), unit.length() - ".service".length()));
        FakeMachine.Account account = machine.account(uid);
        if (account == null || account.expired()) {
            throw new Refused("Job for " + unit + " failed because the control process exited with error code.\n"
                    + (account == null
                            ? "status=217/USER: no user with uid " + uid
                            : "status=224/PAM: account " + account.name() + " has expired"));
        }
        String slice = "user-" + uid + ".slice";
        start(slice);
        load(unit);
        machine.files.put("/run/systemd/users/" + uid, "NAME=" + account.name() + "\n", CGROUP_FILE);
        machine.files
                .parentOf("/run/user/" + uid)
                .list()
                .putIfAbsent(Integer.toString(uid), FakeFiles.Node.directory(new Access(uid, 0700)));
        machine.spawn(uid, "systemd --user", slice);
    }

    private void stop(String unit) {
        if (unit.endsWith(".mount") && active.contains(unit)) {
            machine.disks.umount(one(unit, "Mount", "Where"));
        }
        if (unit.equals("nftables.service") && active.contains(unit)) {
            builtIn(unit, "ExecStopPost");
        }
        if (unit.startsWith("user@")) {
            int uid = Integer.parseInt(unit.substring("user@".length(), unit.length() - ".service".length()));
            machine.kill(process -> process.uid() == uid && process.command().equals("systemd --user"));
        }
        Matcher slice = USER_SLICE.matcher(unit);
        if (slice.matches()) {
            int uid = Integer.parseInt(slice.group(1));
            stop("user@" + uid + ".service");
            machine.kill(process -> process.slice().equals(unit));
            machine.files.parentOf("/run/user/x").list().remove(Integer.toString(uid));
            machine.files.parentOf("/run/systemd/users/x").list().remove(Integer.toString(uid));
            FakeFiles.Node parent = machine.files.find(above(unit));
            if (parent != null) {
                parent.list().remove(unit);
            }
        }
        if (active.remove(unit)) {
            loaded.remove(unit);
        }
    }

    private void reload(String unit) {
        requireFound("reload", unit);
        if (!active.contains(unit)) {
            throw new Refused("Failed to reload " + unit + ": Job type reload is not applicable for unit " + unit
                    + ", because it is not active.");
        }
        if (builtIn.contains(unit)) {
            builtIn(unit, "ExecReload");
        } else {
            execute(unit, "ExecReload");
        }
    }

    /** What a service of the distribution does when it is started, reloaded or stopped, and what its drop-ins add. */
    private void builtIn(String unit, String setting) {
        load(unit);
        if (unit.equals(machine.sshUnit)) {
            machine.sshd.reload();
        }
        if (unit.equals("nftables.service")) {
            machine.nftables.flush();
        }
        execute(unit, setting);
    }

    private void execute(String unit, String setting) {
        for (String line : settings(unit, "Service").getOrDefault(setting, List.of())) {
            boolean mayFail = line.startsWith("-");
            List<String> argv = new ArrayList<>(List.of(line.trim().split("\\s+")));
            argv.set(0, FakeFiles.lastOf(argv.get(0)));
            try {
                machine.run(argv, "");
            } catch (Refused e) {
                if (e.isUnknown()) {
                    throw e;
                }
                if (mayFail) {
                    continue;
                }
                throw new Refused(
                        "Job for " + unit + " failed because the control process exited with error code.\n" + e.text());
            }
        }
    }

    private void enable(String unit) {
        if (machine.files.find(ETC + "/" + unit) == null) {
            if (builtIn.contains(unit)) {
                return;
            }
            throw new Refused("Failed to enable unit: Unit file " + unit + " does not exist.");
        }
        machine.files.requireRoom(ETC);
        wants(unit)
                .forEach(target -> machine.files
                        .makeAll(ETC + "/" + target + ".wants")
                        .list()
                        .put(unit, FakeFiles.Node.link(ETC + "/" + unit, 0)));
    }

    private List<String> wants(String unit) {
        List<String> wanted = new ArrayList<>();
        parse(text(unit), "Install")
                .getOrDefault("WantedBy", List.of())
                .forEach(value -> wanted.addAll(List.of(value.trim().split("\\s+"))));
        return wanted;
    }

    private boolean isEnabled(String unit) {
        return machine.files.texts(ETC, unit).containsKey(ETC + "/" + unit)
                && wants(unit).stream()
                        .anyMatch(target -> machine.files.findHere(ETC + "/" + target + ".wants/" + unit) != null);
    }

    private void disable(String unit) {
        if (!exists(unit)) {
            throw new Refused("Failed to disable unit: Unit file " + unit + " does not exist.");
        }
        machine.files.directory(ETC).list().forEach((name, directory) -> {
            if (name.endsWith(".wants") && directory.entries != null) {
                directory.entries.remove(unit);
            }
        });
        machine.files
                .directory(ETC)
                .list()
                .entrySet()
                .removeIf(entry -> entry.getKey().endsWith(".wants")
                        && entry.getValue().entries != null
                        && entry.getValue().entries.isEmpty());
    }

    private void load(String unit) {
        loaded.computeIfAbsent(unit, this::text);
    }

    private String one(String unit, String section, String key) {
        List<String> values = settings(unit, section).getOrDefault(key, List.of());
        if (values.isEmpty()) {
            throw new Refused("Failed to start " + unit + ": Unit " + unit + " has a bad unit file setting: no " + key);
        }
        return values.get(values.size() - 1);
    }

    /** Returns the unit's file and drop-ins as they are on disk now, in the order in which systemd reads them. */
    private String text(String unit) {
        FakeFiles.Node file = machine.files.find(ETC + "/" + unit);
        StringBuilder out = new StringBuilder(file == null ? "" : file.text);
        dropIns(unit).values().forEach(text -> out.append('\n').append(text));
        // The same on every host of a fleet, and kept while the unit is loaded.
        return out.toString().intern();
    }

    /** The texts of a unit's drop-ins by their paths, in the order in which systemd reads them. */
    private Map<String, String> dropIns(String unit) {
        Map<String, String> dropIns = new TreeMap<>(Comparator.comparing(FakeFiles::lastOf));
        List<String> names = new ArrayList<>(List.of(unit));
        int dash = unit.lastIndexOf('-');
        if (unit.endsWith(".slice") && dash > 0) {
            names.add(0, unit.substring(0, dash + 1) + ".slice");
        }
        if (unit.contains("@")) {
            names.add(0, unit.substring(0, unit.indexOf('@') + 1) + unit.substring(unit.lastIndexOf('.')));
        }
        for (String directory : names) {
            machine.files.texts(ETC + "/" + directory + ".d", ".conf").forEach((path, text) -> {
                // The directory of the unit itself counts more than that of its template.
                dropIns.remove(path);
                dropIns.put(path, text);
            });
        }
        machine.files.texts(CONTROL + "/" + unit + ".d", ".conf").forEach((path, text) -> {
            dropIns.remove(path);
            dropIns.put(path, text);
        });
        return dropIns;
    }

    private Map<String, List<String>> settings(String unit, String section) {
        return parse(loaded.getOrDefault(unit, ""), section);
    }

    /** Returns the values of each setting of a section; an empty assignment forgets those before it. */
    private static Map<String, List<String>> parse(String text, String section) {
        Map<String, List<String>> settings = new TreeMap<>();
        String in = "";
        for (String line : text.split("\n", -1)) {
            int equals = line.indexOf('=');
            if (line.startsWith("#") || line.startsWith(";")) {
                continue;
            }
            if (line.startsWith("[")) {
                in = line.strip();
            } else if (equals > 0 && in.equals("[" + section + "]")) {
                String value = line.substring(equals + 1).strip();
                List<String> values =
                        settings.computeIfAbsent(line.substring(0, equals).strip(), k -> new ArrayList<>());
                if (value.isEmpty()) {
                    values.clear();
                } else {
                    values.add(value);
                }
            }
        }
        return settings;
    }

    private static boolean hasCgroup(String unit) {
        return unit.endsWith(".slice") || unit.endsWith(".scope");
    }

    private static String above(String unit) {
        return unit.startsWith("user-") ? CGROUPS + "/user.slice" : CGROUPS;
    }

    private void startCgroup(String unit) {
        load(unit);
        active.add(unit);
        if (machine.capabilities.contains(Capability.CGROUP_V2)) {
            machine.files.makeAll(above(unit) + "/" + unit);
            writeCgroup(unit);
        }
    }

    /** Returns what the unit's files say now about its CPUs and memory, loaded or not. */
    Map<String, List<String>> sliceSettings(String unit) {
        return parse(loaded.containsKey(unit) ? loaded.getOrDefault(unit, "") : text(unit), "Slice");
    }

    private void writeCgroup(String unit) {
        String directory = above(unit) + "/" + unit;
        if (machine.files.find(directory) == null) {
            return;
        }
        Map<String, List<String>> settings = settings(unit, unit.endsWith(".scope") ? "Scope" : "Slice");
        set(directory, "cpuset.cpus", union(settings, "AllowedCPUs"), machine.online());
        set(directory, "cpuset.mems", union(settings, "AllowedMemoryNodes"), machine.topology.nodeNumbers());
        put(directory, "memory.max", size(settings, "MemoryMax"));
        put(directory, "memory.high", size(settings, "MemoryHigh"));
        put(directory, "memory.swap.max", size(settings, "MemorySwapMax"));
        put(directory, "pids.max", tasks(settings));
        if (machine.cgroupControllers.contains("io")) {
            String io = io(settings);
            FakeFiles.Node before = machine.files.find(directory + "/io.max");
            // systemd leaves the limits of a live cgroup when they vanish from its files: systemd/systemd#27302.
            if (!io.isEmpty() || before == null || settings.keySet().stream().anyMatch(IO_LIMITS::containsKey)) {
                put(directory, "io.max", io);
            }
        }
        put(directory, "cgroup.kill", "");
    }

    /** A cgroup has of the CPUs that it was given those that are online; all that are, if there is none of them. */
    void cpusChanged() {
        for (String unit : active) {
            String directory = above(unit) + "/" + unit;
            FakeFiles.Node given = hasCgroup(unit) ? machine.files.find(directory + "/cpuset.cpus") : null;
            if (given != null) {
                set(directory, "cpuset.cpus", CpuSet.parse(given.text), machine.online());
            }
        }
    }

    private void put(String directory, String file, String value) {
        machine.files.put(directory + "/" + file, value, CGROUP_FILE);
    }

    /** A cgroup has these files only while systemd limits something of the kind in it. */
    private void set(String directory, String file, CpuSet asked, CpuSet all) {
        CpuSet effective = asked.intersect(all);
        CpuSet allowed = effective.isEmpty() ? all : effective;
        if (asked.isEmpty()) {
            machine.files.directory(directory).list().remove(file);
            machine.files.directory(directory).list().remove(file + ".effective");
        } else {
            put(directory, file, asked + "\n");
            put(directory, file + ".effective", allowed + "\n");
        }
        if (directory.endsWith("/init.scope") && file.equals("cpuset.cpus")) {
            machine.files.put("/proc/1/status", "Name:\tsystemd\nCpus_allowed_list:\t" + allowed + "\n", CGROUP_FILE);
        }
    }

    static CpuSet union(Map<String, List<String>> settings, String key) {
        CpuSet union = CpuSet.empty();
        for (String value : settings.getOrDefault(key, List.of())) {
            union = union.union(CpuSet.parse(value));
        }
        return union;
    }

    private String size(Map<String, List<String>> settings, String key) {
        List<String> values = settings.getOrDefault(key, List.of());
        String last = values.isEmpty() ? "infinity" : values.get(values.size() - 1);
        return last.equals("infinity")
                ? "max\n"
                : ByteSize.parse(last).roundedDown(PAGE).bytes() + "\n";
    }

    private static String tasks(Map<String, List<String>> settings) {
        List<String> values = settings.getOrDefault("TasksMax", List.of());
        String last = values.isEmpty() ? "infinity" : values.get(values.size() - 1);
        return last.equals("infinity") ? "max\n" : Long.parseLong(last) + "\n";
    }

    private String io(Map<String, List<String>> settings) {
        Map<String, Map<String, String>> byDevice = new TreeMap<>();
        IO_LIMITS.forEach((setting, key) -> settings.getOrDefault(setting, List.of())
                .forEach(value -> {
                    String[] parts = value.split("\\s+", -1);
                    String number = machine.disks.deviceNumber(parts[0]);
                    if (!number.isEmpty()) {
                        byDevice.computeIfAbsent(number, n -> new TreeMap<>()).put(key, decimal(parts[1]));
                    }
                }));
        StringBuilder out = new StringBuilder();
        byDevice.values().removeIf(limits -> limits.values().stream().allMatch("max"::equals));
        byDevice.forEach((number, limits) -> {
            out.append(number);
            for (String key : List.of("rbps", "wbps", "riops", "wiops")) {
                out.append(' ').append(key).append('=').append(limits.getOrDefault(key, "max"));
            }
            out.append('\n');
        });
        return out.toString();
    }

    /** systemd counts I/O in powers of 1000. */
    private static String decimal(String value) {
        if (value.equals("infinity")) {
            return "max";
        }
        int unit = "KMGT".indexOf(value.charAt(value.length() - 1)) + 1;
        String digits = unit == 0 ? value : value.substring(0, value.length() - 1);
        return new BigDecimal(digits)
                .multiply(BigDecimal.TEN.pow(3 * unit))
                .toBigInteger()
                .toString();
    }
}
