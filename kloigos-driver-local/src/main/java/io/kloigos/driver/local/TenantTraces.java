package io.kloigos.driver.local;

import io.kloigos.spi.Reading;
import io.kloigos.spi.Tenant;
import io.kloigos.spi.Trace;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
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
    private static final List<String> SHARED_PLACES =
            List.of("/tmp", "/var/tmp", "/var/spool", "/var/mail", "/var/crash");
    private static final Set<String> MEMORY_TYPES = Set.of("tmpfs", "mqueue", "hugetlbfs", "ramfs");
    private static final Set<String> DISK_TYPES =
            Set.of("ext2", "ext3", "ext4", "xfs", "btrfs", "f2fs", "jfs", "reiserfs", "bcachefs", "zfs");

    /**
     * Only a process that has a keyring in its session may clear it, so everything happens in one: this program, in which
     * nothing is filled in, is the only use of a shell.
     */
    private static final String CLEAR_KEYRINGS =
            "persistent=$(keyctl get_persistent @s) && keyctl clear \"$persistent\""
                    + " && keyctl invalidate \"$persistent\";"
                    + " keyctl clear @us; keyctl invalidate @us; keyctl clear @u; keyctl invalidate @u; true";

    private static final String LIST_KEYRINGS = "user=$(keyctl id @u);"
            + " for key in $(keyctl rlist @u) $(keyctl rlist @us) $(keyctl rlist \"$(keyctl get_persistent @s)\");"
            + " do [ \"$key\" = \"$user\" ] || echo \"key:$key\"; done";

    private final POSIX posix;
    private final Tools tools;

    TenantTraces(POSIX posix, Tools tools) {
        this.posix = posix;
        this.tools = tools;
    }

    /** Returns the first few traces, or {@link Reading.Traces#NONE}. */
    String read(Trace trace, Tenant tenant) throws IOException {
        List<String> found = find(trace, tenant);
        return found.isEmpty()
                ? Reading.Traces.NONE
                : String.join(" ", found.subList(0, Math.min(SHOWN, found.size())));
    }

    /**
     * Erases the traces of one kind.
     *
     * @return whether there were any
     * @throws StepFailure if some are still there
     */
    boolean erase(Trace trace, Tenant tenant) throws IOException {
        if (find(trace, tenant).isEmpty()) {
            return false;
        }
        switch (trace) {
            case JOBS -> eraseJobs(tenant);
            case PROCESSES -> eraseProcesses(tenant);
            case SESSIONS -> eraseSessions(tenant);
            case MOUNTS -> eraseMounts(tenant);
            case KEYRINGS -> asTenant(tenant, CLEAR_KEYRINGS).orFail();
            case IPC -> eraseIpc(tenant);
            case FILES -> eraseFiles(tenant);
        }
        List<String> left = find(trace, tenant);
        if (!left.isEmpty()) {
            throw new StepFailure(trace + " are still there: " + String.join(" ", left));
        }
        return true;
    }

    private List<String> find(Trace trace, Tenant tenant) throws IOException {
        return switch (trace) {
            case JOBS -> jobs(tenant);
            case PROCESSES -> {
                List<String> found = processes(tenant.uid()).stream()
                        .map(pid -> "pid:" + pid)
                        .collect(java.util.stream.Collectors.toCollection(ArrayList::new));
                if (Files.isDirectory(cgroup(tenant))) {
                    found.add("user-" + tenant.uid() + ".slice");
                }
                yield found;
            }
            case SESSIONS ->
                Stream.concat(
                                isLoggedIn(tenant.uid()) ? Stream.of(logindRecord(tenant.uid())) : Stream.empty(),
                                Stream.of(Path.of("/run/user/" + tenant.uid()), cgroup(tenant))
                                        .filter(Files::exists))
                        .map(Path::toString)
                        .toList();
            case MOUNTS -> mounts(tenant).stream().map(MountInfo::point).toList();
            case KEYRINGS -> keys(tenant);
            case IPC -> ipc(tenant.uid());
            case FILES -> files(tenant);
        };
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

    private static Path cgroup(Tenant tenant) {
        return Path.of("/sys/fs/cgroup/user.slice/user-" + tenant.uid() + ".slice");
    }

    private static boolean exists(Path path) {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }

    // -- jobs, processes, sessions ----------------------------------------------------------------------------------

    private List<String> jobs(Tenant tenant) {
        List<String> jobs = new ArrayList<>();
        for (String above : List.of("/var/spool/cron/crontabs", "/var/spool/cron")) {
            Path crontab = Path.of(above, tenant.user());
            if (exists(crontab) && !Files.isDirectory(crontab, LinkOption.NOFOLLOW_LINKS)) {
                jobs.add(crontab.toString());
            }
        }
        for (String directory : AT_JOBS) {
            if (Files.isDirectory(Path.of(directory))) {
                jobs.addAll(lines(
                        tools.run("find", directory, "-xdev", "-mindepth", "1", "-user", Integer.toString(tenant.uid()))
                                .out()));
            }
        }
        return jobs;
    }

    private void eraseJobs(Tenant tenant) {
        List<String> remove = new ArrayList<>(List.of("rm", "-rf", "--"));
        remove.addAll(jobs(tenant));
        tools.run(remove, "").orFail();
    }

    /** Returns the processes with this real or effective user id, without those that have ended. */
    private static List<Long> processes(int uid) throws IOException {
        List<Long> processes = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
            for (Path process : all) {
                String state = "";
                List<String> uids = List.of();
                try {
                    for (String line : Files.readAllLines(process.resolve("status"), StandardCharsets.ISO_8859_1)) {
                        if (line.startsWith("State:")) {
                            state = line.substring("State:".length()).strip();
                        } else if (line.startsWith("Uid:")) {
                            uids = Arrays.asList(line.strip().split("\\s+", -1)).subList(1, 3);
                        }
                    }
                } catch (IOException e) {
                    // It ended meanwhile.
                    continue;
                }
                if (uids.contains(Integer.toString(uid)) && !state.startsWith("Z") && !state.startsWith("X")) {
                    processes.add(Long.valueOf(process.getFileName().toString()));
                }
            }
        }
        return processes;
    }

    /** Kills the slice all at once, so that nothing can fork away, and then whatever left it, until none is there. */
    private void eraseProcesses(Tenant tenant) throws IOException {
        Path cgroup = cgroup(tenant);
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
            List<Long> processes = processes(tenant.uid());
            processes.forEach(pid -> posix.kill(pid, Signal.SIGKILL.intValue()));
            if (processes.isEmpty()) {
                if (!Files.isDirectory(cgroup)) {
                    break;
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

    private void stopUnits(Tenant tenant) {
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

    private void eraseSessions(Tenant tenant) throws IOException {
        int uid = tenant.uid();
        Files.deleteIfExists(Path.of("/var/lib/systemd/linger/" + tenant.user()));
        Deadline until = Deadline.after(SESSIONS_GONE);
        for (int round = 0; !find(Trace.SESSIONS, tenant).isEmpty(); round++) {
            if (until.isOver()) {
                throw new StepFailure("systemd still knows the user: " + read(Trace.SESSIONS, tenant));
            }
            tools.deadline().check();
            if (round % 20 == 0) {
                stopUnits(tenant);
                tools.run("timeout", "-k", "1", "5", "loginctl", "terminate-user", Integer.toString(uid));
            } else if (round % 20 == 10) {
                tools.run("umount", "-l", "-i", "-c", "--", "/run/user/" + uid);
                tools.run("rmdir", "--", "/run/user/" + uid);
            }
            Deadline.pause(100);
        }
        // A manager that was killed would be remembered as failed.
        tools.run("systemctl", "reset-failed", "user@" + uid + ".service");
    }

    // -- mounts, keyrings, IPC --------------------------------------------------------------------------------------

    private static List<MountInfo> mounts(Tenant tenant) throws IOException {
        String owner = "user_id=" + tenant.uid();
        List<String> below = new ArrayList<>(tenant.directories());
        below.add("/run/user/" + tenant.uid());
        return MountInfo.read().stream()
                .filter(mount -> mount.options().contains(owner)
                        || below.stream().anyMatch(directory -> mount.point().startsWith(directory + "/")))
                .sorted(MountInfo.deepestFirst())
                .toList();
    }

    private void eraseMounts(Tenant tenant) throws IOException {
        for (int round = 0; round < MOUNT_ROUNDS && !mounts(tenant).isEmpty(); round++) {
            // By the name that the kernel gave: looking at a dead FUSE mount would hang.
            mounts(tenant).forEach(mount -> tools.run("umount", "-l", "-i", "-c", "--", mount.point()));
        }
    }

    private List<String> keys(Tenant tenant) throws IOException {
        // The kernel counts the keys of each user who ever had any.
        boolean any = Files.readAllLines(Path.of("/proc/key-users")).stream()
                .anyMatch(line -> line.strip().startsWith(tenant.uid() + ":"));
        if (!any) {
            return List.of();
        }
        return Tools.isInstalled("keyctl")
                ? lines(asTenant(tenant, LIST_KEYRINGS).out())
                : List.of("unknown:keyctl-is-not-installed");
    }

    private Tools.Ran asTenant(Tenant tenant, String program) {
        if (!Tools.isInstalled("keyctl")) {
            throw new StepFailure("keyctl is not installed: install the package keyutils");
        }
        String uid = Integer.toString(tenant.uid());
        return tools.run(
                "setpriv",
                "--reuid",
                uid,
                "--regid",
                uid,
                "--clear-groups",
                "keyctl",
                "session",
                "-",
                "sh",
                "-c",
                program);
    }

    /** Returns what belongs to, or was made by, this user or group, as options of ipcrm. */
    private static List<String> ipc(int uid) throws IOException {
        List<String> found = new ArrayList<>();
        ipc(found, "shm", "-m", 7, uid);
        ipc(found, "msg", "-q", 7, uid);
        ipc(found, "sem", "-s", 4, uid);
        return found;
    }

    private static void ipc(List<String> found, String kind, String option, int firstOwner, int uid)
            throws IOException {
        Path list = Path.of("/proc/sysvipc/" + kind);
        if (!Files.exists(list)) {
            return;
        }
        String id = Integer.toString(uid);
        Files.readAllLines(list).stream()
                .skip(1)
                .map(line -> line.strip().split("\\s+", -1))
                .filter(fields -> Stream.of(fields).skip(firstOwner).limit(4).anyMatch(id::equals))
                .forEach(fields -> found.add(option + fields[1]));
    }

    private void eraseIpc(Tenant tenant) throws IOException {
        List<String> remove = new ArrayList<>(List.of("ipcrm"));
        remove.addAll(ipc(tenant.uid()));
        tools.run(remove, "");
    }

    // -- files ------------------------------------------------------------------------------------------------------

    private List<String> files(Tenant tenant) throws IOException {
        List<String> found = new ArrayList<>(named(tenant));
        for (String place : places(tenant)) {
            List<String> search = search(tenant, place);
            search.addAll(List.of("-prune", "-print"));
            found.addAll(lines(tools.run(search, "").out()));
        }
        return found;
    }

    private void eraseFiles(Tenant tenant) throws IOException {
        for (String path : named(tenant)) {
            tools.run("rm", "-rf", "--one-file-system", "--", path);
        }
        for (String place : places(tenant)) {
            List<String> search = search(tenant, place);
            // Never by a path that others could turn elsewhere meanwhile: rm runs in the directory that find has open.
            search.addAll(List.of("-prune", "-execdir", "rm", "-rf", "--one-file-system", "--", "{}", "+"));
            tools.run(search, "");
        }
    }

    /** Returns what others than the tenant own, or keep where no search would find it by its owner. */
    private static List<String> named(Tenant tenant) throws IOException {
        List<String> found = new ArrayList<>();
        for (String path : List.of(
                "/run/sudo/ts/" + tenant.user(),
                "/var/lib/sudo/lectured/" + tenant.user(),
                "/var/lib/sudo/lectured/" + tenant.uid(),
                "/var/lib/systemd/linger/" + tenant.user(),
                "/var/mail/" + tenant.user(),
                "/var/spool/mail/" + tenant.user())) {
            if (exists(Path.of(path))) {
                found.add(path);
            }
        }
        Path cores = Path.of("/var/lib/systemd/coredump");
        if (Files.isDirectory(cores)) {
            try (DirectoryStream<Path> all = Files.newDirectoryStream(cores, "core.*." + tenant.uid() + ".*")) {
                all.forEach(core -> found.add(core.toString()));
            }
        }
        return found;
    }

    private static List<String> search(Tenant tenant, String place) {
        List<String> search = new ArrayList<>(List.of("find", place, "-xdev"));
        for (String directory : tenant.directories()) {
            search.addAll(List.of("-path", directory, "-prune", "-o"));
            if (exists(Path.of(directory))) {
                // The same directory by another name, where it is mounted from elsewhere.
                search.addAll(List.of("-samefile", directory, "-prune", "-o"));
            }
        }
        String uid = Integer.toString(tenant.uid());
        search.addAll(List.of("(", "-user", uid, "-o", "-group", uid, ")"));
        return search;
    }

    /** Returns where to search: where everybody may write, memory file systems, and disks on which the tenant has inodes. */
    private List<String> places(Tenant tenant) throws IOException {
        List<String> places = new ArrayList<>();
        Set<String> seen = new HashSet<>();
        List<MountInfo> mounts = MountInfo.read();
        String quota = tools.run("quota", "-l", "-w", "-p", "-v", "-u", Integer.toString(tenant.uid()))
                .out();
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

    /** Tells whether the quota counts inodes on the device, or does not count there. */
    private static boolean mayHoldFiles(String quota, String source) {
        return quota.lines()
                .map(line -> line.strip().split("\\s+", -1))
                .filter(fields -> fields.length == 9 && fields[0].equals(source))
                .findFirst()
                .map(fields -> !fields[5].equals("0"))
                .orElse(true);
    }

    private static List<String> lines(String text) {
        return text.lines().filter(line -> !line.isBlank()).toList();
    }
}
