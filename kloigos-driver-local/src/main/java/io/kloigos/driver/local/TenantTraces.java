package io.kloigos.driver.local;

import io.kloigos.model.Trace;
import io.kloigos.spi.Reading;
import io.kloigos.spi.UnitAccount;
import java.io.IOException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Stream;
import jnr.constants.platform.Signal;
import jnr.posix.POSIX;

/** Finds and erases what a tenant leaves on this machine. */
final class TenantTraces {
    private static final int SHOWN = 5;
    private static final Duration PROCESSES_GONE = Duration.ofSeconds(15);
    private static final Duration SESSIONS_GONE = Duration.ofSeconds(20);
    private static final int MOUNT_ROUNDS = 20;
    private static final List<String> AT_JOBS =
            List.of("/var/spool/cron/atjobs", "/var/spool/cron/atspool", "/var/spool/at");
    private static final List<String> POSIX_PLACES = List.of("/dev/shm", "/dev/mqueue");
    private static final Path CORE_DUMPS = Path.of("/var/lib/systemd/coredump");
    private static final Map<String, String> LOGIN_RECORDS =
            Map.of("lastlog", "/var/log/lastlog", "lastlog2", "/var/lib/lastlog/lastlog2.db");
    private static final List<String> SHARED_PLACES =
            List.of("/tmp", "/var/tmp", "/var/spool", "/var/mail", "/var/crash");
    private static final Set<String> MEMORY_TYPES = Set.of("tmpfs", "mqueue", "hugetlbfs", "ramfs");
    private static final Set<String> DISK_TYPES =
            Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "bcachefs", "zfs");

    /**
     * Only a process that has a keyring in its session may clear it, so everything happens in one. In none of these programs of
     * the shell anything is filled in.
     */
    private static final String CLEAR_USER_KEYRING =
            "keyctl clear @us; keyctl invalidate @us; keyctl clear @u; keyctl invalidate @u; true";

    private static final String CLEAR_PERSISTENT_KEYRING =
            "persistent=$(keyctl get_persistent @s) && keyctl clear \"$persistent\""
                    + " && keyctl invalidate \"$persistent\"";

    private static final String LIST_USER_KEYRING =
            "user=$(keyctl id @u) && keys=$(keyctl rlist @u) && more=$(keyctl rlist @us) || exit;"
                    + " for key in $keys $more; do [ \"$key\" = \"$user\" ] || echo \"user:$key\"; done; true";

    /** Not every kernel has such keyrings. */
    private static final String LIST_PERSISTENT_KEYRING =
            "[ -e /proc/sys/kernel/keys/persistent_keyring_expiry ] || exit 0;"
                    + " persistent=$(keyctl get_persistent @s) && keys=$(keyctl rlist \"$persistent\") || exit;"
                    + " for key in $keys; do echo \"persistent:$key\"; done; true";

    /**
     * By the name that the kernel gave, since looking at a dead FUSE mount would hang; and from the directory that has it, since
     * others may turn the way there elsewhere meanwhile, where they may write. What is mounted cannot be renamed itself.
     */
    private static final String UNMOUNT = """
            mount=$(printf '%b.' "$1") mount=${mount%.} parent=${mount%/*}
            cd -P -- "${parent:-/}" && [ "$PWD" = "${parent:-/}" ] && umount -l -i -c -- "./${mount##*/}"
            """;

    /** States of sockets that are open: established, opening, unconnected or close_wait, and listening, as tcp_states.h has them. */
    private static final Set<String> OPEN = Set.of("01", "02", "03", "07", "08", "0A");

    private static final List<String> SOCKETS =
            List.of("tcp", "tcp6", "udp", "udp6", "udplite", "udplite6", "raw", "raw6");

    private final POSIX posix;
    private final Tools tools;

    TenantTraces(POSIX posix, Tools tools) {
        this.posix = posix;
        this.tools = tools;
    }

    /** Returns the text of the reading {@link Reading.Traces}. */
    String read(Trace trace, UnitAccount tenant) throws IOException {
        List<String> found;
        try {
            found = find(trace, tenant);
        } catch (Unknown e) {
            return Reading.Traces.UNKNOWN + e.getMessage();
        }
        return found.isEmpty()
                ? Reading.Traces.NONE
                : String.join(" ", found.subList(0, Math.min(SHOWN, found.size())));
    }

    /** This machine cannot tell. */
    private static final class Unknown extends RuntimeException {
        Unknown(String why) {
            super(why, null, false, false);
        }
    }

    /**
     * Erases the traces of one kind.
     *
     * @return whether there were any
     * @throws StepFailure if some are still there, or nobody can tell
     */
    boolean erase(Trace trace, UnitAccount tenant) throws IOException {
        try {
            if (find(trace, tenant).isEmpty()) {
                return false;
            }
            eraseFound(trace, tenant);
            List<String> left = find(trace, tenant);
            if (!left.isEmpty()) {
                throw new StepFailure(trace + " are still there: " + String.join(" ", left));
            }
            return true;
        } catch (Unknown e) {
            throw new StepFailure("it is unknown whether there are " + trace + ": " + e.getMessage());
        }
    }

    private void eraseFound(Trace trace, UnitAccount tenant) throws IOException {
        switch (trace) {
            case CRONTABS, AT_JOBS, LINGER, MAIL, CORE_DUMPS, SUDO_RECORDS ->
                remove(find(trace, tenant)).orFail();
            case PROCESSES, CGROUPS -> eraseProcesses(tenant);
            case SESSIONS -> eraseSessions(tenant);
            case RUNTIME_DIRECTORY -> removeRuntimeDirectory(tenant);
            case MOUNTS -> eraseMounts(tenant);
            case USER_KEYRING -> asTenant(tenant, CLEAR_USER_KEYRING).orFail();
            case PERSISTENT_KEYRING ->
                asTenant(tenant, CLEAR_PERSISTENT_KEYRING).orFail();
            case SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES -> eraseIpc(trace, tenant);
            case POSIX_IPC -> POSIX_PLACES.forEach(place -> eraseFiles(tenant, place));
            case SOCKETS -> closeSockets(tenant);
            case JOURNAL -> eraseJournal(tenant);
            case LOGIN_RECORDS -> eraseLoginRecords(tenant);
            case FILES, DISK_USAGE -> eraseFiles(tenant);
        }
    }

    private List<String> find(Trace trace, UnitAccount tenant) throws IOException {
        String user = tenant.user();
        int uid = tenant.uid();
        return switch (trace) {
            case CRONTABS ->
                existing("/var/spool/cron/crontabs/" + user, "/var/spool/cron/" + user).stream()
                        .filter(path -> !Files.isDirectory(Path.of(path), LinkOption.NOFOLLOW_LINKS))
                        .toList();
            case AT_JOBS -> atJobs(tenant);
            case PROCESSES ->
                TenantProcesses.of(uid).stream().map(pid -> "pid:" + pid).toList();
            case CGROUPS -> existing(cgroup(tenant).toString());
            case SESSIONS -> isLoggedIn(uid) ? List.of(logindRecord(uid).toString()) : List.of();
            case LINGER -> existing("/var/lib/systemd/linger/" + user);
            case RUNTIME_DIRECTORY -> existing("/run/user/" + uid);
            case MOUNTS -> mounts(tenant).stream().map(MountInfo::point).toList();
            case USER_KEYRING -> keys(tenant, LIST_USER_KEYRING);
            case PERSISTENT_KEYRING -> keys(tenant, LIST_PERSISTENT_KEYRING);
            case SHARED_MEMORY -> ipc("shm", 7, uid);
            case MESSAGE_QUEUES -> ipc("msg", 7, uid);
            case SEMAPHORES -> ipc("sem", 4, uid);
            case POSIX_IPC ->
                POSIX_PLACES.stream()
                        .flatMap(place -> foundFiles(tenant, place).stream())
                        .toList();
            case SOCKETS -> sockets(uid);
            case MAIL -> existing("/var/mail/" + user, "/var/spool/mail/" + user);
            case JOURNAL -> journal(uid);
            case CORE_DUMPS ->
                matching(CORE_DUMPS, "core.*").stream()
                        .filter(dump -> isCoreDumpOf(uid, dump))
                        .toList();
            case LOGIN_RECORDS -> loginRecords(user);
            case SUDO_RECORDS ->
                existing(
                        "/run/sudo/ts/" + user,
                        "/var/lib/sudo/ts/" + user,
                        "/var/lib/sudo/lectured/" + user,
                        "/var/lib/sudo/lectured/" + uid);
            case FILES -> files(tenant);
            case DISK_USAGE -> usage(tenant);
        };
    }

    /** A dump is named core.COMMAND.UID.BOOT.PID.TIME, without further dots in the command: another's may have the uid as its PID. */
    static boolean isCoreDumpOf(int uid, String path) {
        String[] fields = path.substring(path.lastIndexOf('/') + 1).split("\\.", -1);
        return fields.length > 3 && fields[2].equals(Integer.toString(uid));
    }

    private static List<String> existing(String... paths) {
        return Stream.of(paths).filter(path -> exists(Path.of(path))).toList();
    }

    private static List<String> matching(Path directory, String pattern) throws IOException {
        List<String> found = new ArrayList<>();
        if (Files.isDirectory(directory)) {
            try (DirectoryStream<Path> all = Files.newDirectoryStream(directory, pattern)) {
                all.forEach(path -> found.add(path.toString()));
            }
        }
        return found;
    }

    private Tools.Ran remove(List<String> paths) {
        List<String> remove = new ArrayList<>(List.of("rm", "-rf", "--one-file-system", "--"));
        remove.addAll(paths);
        return tools.run(remove, "");
    }

    private static Path logindRecord(int uid) {
        return Path.of("/run/systemd/users/" + uid);
    }

    /** logind remembers a user for ten seconds after the last logout (UserStopDelaySec=, logind.conf(5)): that holds nothing. */
    private boolean isLoggedIn(int uid) {
        if (!Files.exists(logindRecord(uid))) {
            return false;
        }
        Tools.Ran shown = tools.run("loginctl", "show-user", Integer.toString(uid), "-p", "State", "-p", "Sessions");
        Set<String> lines = Set.copyOf(shown.out().strip().lines().toList());
        return shown.status() == 0 && !lines.equals(Set.of("State=closing", "Sessions="));
    }

    private static Path cgroup(UnitAccount tenant) {
        return Path.of("/sys/fs/cgroup/user.slice/user-" + tenant.uid() + ".slice");
    }

    private static boolean exists(Path path) {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }

    // -- jobs, processes, sessions ----------------------------------------------------------------------------------

    private List<String> atJobs(UnitAccount tenant) {
        List<String> jobs = new ArrayList<>();
        for (String directory : AT_JOBS) {
            if (Files.isDirectory(Path.of(directory))) {
                jobs.addAll(lines(
                        tools.run("find", directory, "-xdev", "-mindepth", "1", "-user", Integer.toString(tenant.uid()))
                                .out()));
            }
        }
        return jobs;
    }

    /** Kills the slice all at once, so that nothing can fork away, and then whatever left it, until none is there. */
    private void eraseProcesses(UnitAccount tenant) throws IOException {
        Path cgroup = cgroup(tenant);
        liftThrottling(cgroup.resolve("io.max"));
        Deadline until = Deadline.after(PROCESSES_GONE);
        while (true) {
            Path kill = cgroup.resolve("cgroup.kill");
            if (Files.exists(kill)) {
                try {
                    Files.writeString(kill, "1");
                } catch (IOException e) {
                    // The cgroup went meanwhile.
                }
            }
            Set<Long> processes = TenantProcesses.of(tenant.uid());
            processes.forEach(pid -> posix.kill(pid, Signal.SIGKILL.intValue()));
            if (processes.isEmpty()) {
                if (!Files.isDirectory(cgroup)) {
                    forgetManager(tenant);
                    return;
                }
                // The user manager would be started again, and keeps the cgroups.
                stopUnits(tenant);
            }
            if (until.isOver()) {
                throw new StepFailure("not gone " + PROCESSES_GONE.toSeconds() + " s after SIGKILL: " + processes);
            }
            tools.deadline().check();
            Deadline.pause(20);
        }
    }

    /** A task that waits for throttled I/O ends only when that is done, and what it wrote is in the way of rm. */
    private static void liftThrottling(Path limits) {
        try {
            for (String line : Files.exists(limits) ? Files.readAllLines(limits) : List.<String>of()) {
                String device = line.substring(0, line.indexOf(' ') + 1);
                Files.writeString(limits, device + "rbps=max wbps=max riops=max wiops=max");
            }
        } catch (IOException e) {
            // The cgroup went meanwhile.
        }
    }

    private void stopUnits(UnitAccount tenant) {
        int uid = tenant.uid();
        tools.run(
                "timeout",
                "-k",
                "1",
                "15",
                "systemctl",
                "stop",
                "user-" + uid + ".slice",
                "user@" + uid + ".service",
                "user-runtime-dir@" + uid + ".service");
    }

    private void eraseSessions(UnitAccount tenant) throws IOException {
        int uid = tenant.uid();
        Deadline until = Deadline.after(SESSIONS_GONE);
        for (int round = 0; isHeld(tenant); round++) {
            if (until.isOver()) {
                throw new StepFailure("systemd still knows the user: " + read(Trace.SESSIONS, tenant) + " "
                        + read(Trace.RUNTIME_DIRECTORY, tenant) + " " + read(Trace.CGROUPS, tenant));
            }
            tools.deadline().check();
            if (round % 20 == 0) {
                stopUnits(tenant);
                tools.run("timeout", "-k", "1", "5", "loginctl", "terminate-user", Integer.toString(uid));
            } else if (round % 20 == 10) {
                removeRuntimeDirectory(tenant);
            }
            Deadline.pause(100);
        }
        forgetManager(tenant);
    }

    /** A manager that was killed would be remembered as failed, and so would its directory that was busy, and is gone by now. */
    private void forgetManager(UnitAccount tenant) {
        String manager = "user@" + tenant.uid() + ".service";
        String directory = "user-runtime-dir@" + tenant.uid() + ".service";
        tools.run("timeout", "-k", "1", "15", "systemctl", "stop", manager, directory);
        tools.run("systemctl", "reset-failed", manager, directory);
    }

    private boolean isHeld(UnitAccount tenant) {
        return isLoggedIn(tenant.uid()) || exists(cgroup(tenant)) || exists(Path.of("/run/user/" + tenant.uid()));
    }

    private void removeRuntimeDirectory(UnitAccount tenant) {
        String path = "/run/user/" + tenant.uid();
        tools.run("umount", "-l", "-i", "-c", "--", path);
        tools.run("rm", "-rf", "--one-file-system", "--", path);
    }

    // -- mounts, keyrings, IPC --------------------------------------------------------------------------------------

    private static List<MountInfo> mounts(UnitAccount tenant) throws IOException {
        String owner = "user_id=" + tenant.uid();
        List<String> below = new ArrayList<>(tenant.directories());
        below.add("/run/user/" + tenant.uid());
        return MountInfo.read().stream()
                .filter(mount -> mount.options().contains(owner)
                        || below.stream().anyMatch(directory -> mount.point().startsWith(directory + "/")))
                .sorted(MountInfo.deepestFirst())
                .toList();
    }

    private void eraseMounts(UnitAccount tenant) throws IOException {
        for (int round = 0; round < MOUNT_ROUNDS && !mounts(tenant).isEmpty(); round++) {
            mounts(tenant).forEach(mount -> tools.run("sh", "-c", UNMOUNT, "sh", mount.printable()));
        }
    }

    private List<String> keys(UnitAccount tenant, String program) throws IOException {
        // The kernel counts the keys of each user who ever had any.
        boolean any = Files.readAllLines(Path.of("/proc/key-users")).stream()
                .anyMatch(line -> line.strip().startsWith(tenant.uid() + ":"));
        if (!any) {
            return List.of();
        }
        Tools.Ran listed = asTenant(tenant, program);
        if (!listed.succeeded()) {
            throw new Unknown("the keyrings of " + tenant.uid() + " cannot be read");
        }
        return lines(listed.out());
    }

    /** In an anonymous session keyring of root's, in which nothing is left: the user may have used up what it may have. */
    private Tools.Ran asTenant(UnitAccount tenant, String program) {
        if (!Tools.isInstalled("keyctl")) {
            throw new Unknown("keyctl is not installed");
        }
        String uid = Integer.toString(tenant.uid());
        return tools.run(
                "keyctl",
                "session",
                "-",
                "setpriv",
                "--reuid",
                uid,
                "--regid",
                uid,
                "--clear-groups",
                "sh",
                "-c",
                program);
    }

    /** Returns what belongs to, or was made by, this user or group. */
    private static List<String> ipc(String kind, int firstOwner, int uid) throws IOException {
        Path list = Path.of("/proc/sysvipc/" + kind);
        if (!Files.exists(list)) {
            return List.of();
        }
        String id = Integer.toString(uid);
        return Files.readAllLines(list).stream()
                .skip(1)
                .map(line -> line.strip().split("\\s+", -1))
                .filter(fields -> Stream.of(fields).skip(firstOwner).limit(4).anyMatch(id::equals))
                .map(fields -> kind + ":" + fields[1])
                .toList();
    }

    private void eraseIpc(Trace trace, UnitAccount tenant) throws IOException {
        String option = trace == Trace.SHARED_MEMORY ? "-m" : trace == Trace.SEMAPHORES ? "-s" : "-q";
        List<String> remove = new ArrayList<>(List.of("ipcrm"));
        find(trace, tenant).forEach(found -> remove.addAll(List.of(option, found.substring(found.indexOf(':') + 1))));
        tools.run(remove, "");
    }

    // -- sockets and records ----------------------------------------------------------------------------------------

    /** Returns the open sockets that the user made, as PROTOCOL:PORT, and who has any as {@code open:PID:NAME}. */
    private static List<String> sockets(int uid) throws IOException {
        List<String> found = new ArrayList<>();
        for (String kind : SOCKETS) {
            Path list = Path.of("/proc/net/" + kind);
            if (Files.exists(list)) {
                Files.readAllLines(list).stream()
                        .skip(1)
                        .map(line -> line.strip().split("\\s+", -1))
                        .filter(fields -> fields[7].equals(Integer.toString(uid)) && OPEN.contains(fields[3]))
                        .map(fields -> kind + ":" + Integer.parseInt(fields[1].replaceAll(".*:", ""), 16))
                        .forEach(found::add);
            }
        }
        found.addAll(TenantProcesses.socketHolders(uid));
        return found;
    }

    /**
     * Whoever holds them is no process of the user's, and goes on without its connections. What is only bound, and UDP, the kernel
     * closes for nobody else.
     */
    private void closeSockets(UnitAccount tenant) throws IOException {
        tools.run("ss", "-Hntuwae").orFail().lines().forEach(line -> {
            List<String> fields = List.of(line.strip().split("\\s+", -1));
            if (fields.contains("uid:" + tenant.uid())) {
                List<String> close =
                        new ArrayList<>(List.of("ss", "-K", "-Hna", "--" + fields.get(0), "src", fields.get(4)));
                if (!fields.get(5).endsWith(":*")) {
                    close.addAll(List.of("dst", fields.get(5)));
                }
                tools.run(close, "");
            }
        });
        List<String> left = sockets(tenant.uid());
        if (!left.isEmpty()) {
            throw new StepFailure("sockets are still open: " + String.join(" ", left) + ": end who has them");
        }
    }

    private static List<String> journal(int uid) throws IOException {
        List<String> found = new ArrayList<>();
        for (String above : List.of("/var/log/journal", "/run/log/journal")) {
            for (String machine : matching(Path.of(above), "*")) {
                found.addAll(matching(Path.of(machine), "user-" + uid + "{.journal,@*}"));
            }
        }
        return found;
    }

    private void eraseJournal(UnitAccount tenant) throws IOException {
        // What the tenant sent last may still be on its way. The journal itself goes on in a new file when one is gone.
        tools.run("timeout", "-k", "1", "10", "journalctl", "--sync");
        remove(journal(tenant.uid())).orFail();
    }

    private List<String> loginRecords(String user) throws IOException {
        List<String> found = new ArrayList<>();
        for (String tool : LOGIN_RECORDS.keySet()) {
            Path records = Path.of(LOGIN_RECORDS.getOrDefault(tool, ""));
            if (Files.exists(records) && Files.size(records) > 0) {
                if (!Tools.isInstalled(tool)) {
                    throw new Unknown(tool + " is not installed");
                }
                tools.run(tool, "-u", user)
                        .out()
                        .lines()
                        .filter(line -> line.startsWith(user + " ") && !line.contains("Never logged in"))
                        .forEach(line -> found.add(tool + ":" + user));
            }
        }
        return found;
    }

    private void eraseLoginRecords(UnitAccount tenant) throws IOException {
        for (String record : loginRecords(tenant.user())) {
            tools.run(record.substring(0, record.indexOf(':')), "-C", "-u", tenant.user())
                    .orFail();
        }
    }

    // -- files ------------------------------------------------------------------------------------------------------

    private List<String> files(UnitAccount tenant) throws IOException {
        List<String> found = new ArrayList<>();
        for (String place : places(tenant)) {
            found.addAll(foundFiles(tenant, place));
        }
        return found;
    }

    private List<String> foundFiles(UnitAccount tenant, String place) {
        List<String> search = search(tenant, place);
        search.addAll(List.of("-prune", "-print"));
        return lines(tools.run(search, "").out());
    }

    private void eraseFiles(UnitAccount tenant) throws IOException {
        for (String place : places(tenant)) {
            eraseFiles(tenant, place);
        }
    }

    private void eraseFiles(UnitAccount tenant, String place) {
        List<String> search = search(tenant, place);
        // Never by a path that others could turn elsewhere meanwhile: rm runs in the directory that find has open.
        search.addAll(List.of("-prune", "-execdir", "rm", "-rf", "--one-file-system", "--", "{}", "+"));
        tools.run(search, "");
    }

    /** Returns MOUNT:COUNT for each disk on which the quota counts more inodes than the tenant's directories have. */
    private List<String> usage(UnitAccount tenant) throws IOException {
        List<String> found = new ArrayList<>();
        String quota = quota(tenant);
        Set<String> seen = new HashSet<>();
        List<MountInfo> mounts = MountInfo.read();
        for (MountInfo mount : mounts) {
            if (DISK_TYPES.contains(mount.type()) && seen.add(mount.number())) {
                long counted = counted(quota, mount.source()).orElse(0L);
                long beyond = counted > 0 ? counted - ownInodes(tenant, mounts, mount) : 0;
                if (beyond > 0) {
                    found.add(mount.point() + ":" + beyond);
                }
            }
        }
        if (!found.isEmpty()) {
            found.addAll(TenantProcesses.fileHolders(tenant.uid()));
        }
        return found;
    }

    /** Linked files are not subtracted: the tenant could otherwise hide a file behind links. */
    private long ownInodes(UnitAccount tenant, List<MountInfo> mounts, MountInfo disk) {
        Set<String> inodes = new HashSet<>();
        for (String directory : tenant.directories()) {
            boolean isThere = Files.isDirectory(Path.of(directory), LinkOption.NOFOLLOW_LINKS);
            if (isThere && MountInfo.holding(mounts, directory).number().equals(disk.number())) {
                String own = tools.run(
                                "find",
                                directory,
                                "-xdev",
                                "-user",
                                Integer.toString(tenant.uid()),
                                "(",
                                "-type",
                                "d",
                                "-o",
                                "-links",
                                "1",
                                ")",
                                "-printf",
                                "%i\n")
                        .out();
                own.lines().forEach(inodes::add);
            }
        }
        return inodes.size();
    }

    private static List<String> ofOtherKinds(UnitAccount tenant) {
        String user = tenant.user();
        List<String> paths = new ArrayList<>(AT_JOBS);
        paths.addAll(List.of(
                "/var/spool/cron/crontabs/" + user,
                "/var/spool/cron/" + user,
                "/var/mail/" + user,
                "/var/spool/mail/" + user,
                "/run/user/" + tenant.uid()));
        return paths;
    }

    private static List<String> search(UnitAccount tenant, String place) {
        List<String> search = new ArrayList<>(List.of("find", place, "-xdev"));
        for (String directory : tenant.directories()) {
            search.addAll(List.of("-path", directory, "-prune", "-o"));
            if (exists(Path.of(directory))) {
                // The same directory by another name, where it is mounted from elsewhere.
                search.addAll(List.of("-samefile", directory, "-prune", "-o"));
            }
        }
        String uid = Integer.toString(tenant.uid());
        ofOtherKinds(tenant).forEach(path -> search.addAll(List.of("-path", path, "-prune", "-o")));
        search.addAll(List.of("(", "-user", uid, "-o", "-group", uid, ")"));
        return search;
    }

    /** Returns where to search: where everybody may write, memory file systems, and disks on which the tenant has inodes. */
    private List<String> places(UnitAccount tenant) throws IOException {
        List<String> places = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        List<MountInfo> mounts = MountInfo.read();
        String quota = quota(tenant);
        for (MountInfo mount : mounts) {
            boolean memory = MEMORY_TYPES.contains(mount.type());
            boolean disk = DISK_TYPES.contains(mount.type()) && mayHoldFiles(quota, mount.source());
            boolean visible =
                    MountInfo.holding(mounts, mount.point()).equals(mount) && Files.isDirectory(Path.of(mount.point()));
            if ((memory || disk) && visible && seen.add(mount.number())) {
                places.add(mount.point());
            }
        }
        SHARED_PLACES.stream()
                .filter(place -> Files.isDirectory(Path.of(place), LinkOption.NOFOLLOW_LINKS))
                .filter(place -> !places.contains(place))
                .filter(place -> !seen.contains(MountInfo.holding(mounts, place).number()))
                .forEach(places::add);
        return places;
    }

    private String quota(UnitAccount tenant) {
        return tools.run("quota", "-l", "-w", "-p", "-v", "-u", Integer.toString(tenant.uid()))
                .out();
    }

    /** Tells whether the quota counts inodes on the device, or does not count there. */
    private static boolean mayHoldFiles(String quota, String source) {
        return counted(quota, source).map(inodes -> inodes > 0).orElse(true);
    }

    private static Optional<Long> counted(String quota, String source) {
        return quota.lines()
                .map(line -> line.strip().split("\\s+", -1))
                .filter(fields -> fields.length == 9 && fields[0].equals(source))
                .map(fields -> fields[5].replace("*", ""))
                .filter(inodes -> inodes.matches("\\d+"))
                .map(Long::valueOf)
                .findFirst();
    }

    private static List<String> lines(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }
}
