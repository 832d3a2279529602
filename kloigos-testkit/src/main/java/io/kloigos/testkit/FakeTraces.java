package io.kloigos.testkit;

import io.kloigos.model.HostFacts;
import io.kloigos.model.Trace;
import io.kloigos.spi.Step.Access;
import io.kloigos.spi.UnitAccount;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Stream;

/** What tenants have left on a fake machine, of each kind. */
final class FakeTraces {
    private static final String JOURNAL = "/var/log/journal/4b6c6f69676f73/";
    private static final Set<String> PLACES_OF_OTHER_KINDS =
            Set.of("/dev/mqueue", "/dev/shm", "/proc", "/run/user", "/sys", "/var/mail", "/var/spool/cron");
    private static final String CORE_DUMPS = "/var/lib/systemd/coredump/";
    private static final String BOOT = "0123456789abcdef0123456789abcdef";

    private final FakeMachine machine;
    private final FakeFiles files;
    private final Set<Integer> lastLogins = new TreeSet<>();
    private final Map<Trace, Set<Integer>> leftInKernel = new TreeMap<>();

    FakeTraces(FakeMachine machine) {
        this.machine = machine;
        this.files = machine.files;
    }

    List<String> find(Trace trace, UnitAccount tenant) {
        String user = tenant.user();
        int uid = tenant.uid();
        return switch (trace) {
            case CRONTABS -> existing("/var/spool/cron/crontabs/" + user, "/var/spool/cron/" + user);
            case AT_JOBS -> owned("/var/spool/cron/atjobs", uid);
            case PROCESSES ->
                machine.processes().stream()
                        .filter(process -> process.uid() == uid)
                        .map(process -> "pid:" + process.pid())
                        .toList();
            case CGROUPS ->
                machine.systemd.isActive("user-" + uid + ".slice")
                                || machine.systemd.isActive("user@" + uid + ".service")
                        ? List.of("/sys/fs/cgroup/user.slice/user-" + uid + ".slice")
                        : List.of();
            case SESSIONS -> existing("/run/systemd/users/" + uid);
            case LINGER -> existing("/var/lib/systemd/linger/" + user);
            case RUNTIME_DIRECTORY -> existing("/run/user/" + uid);
            case MOUNTS ->
                tenantMounts(tenant).stream().map(mount -> mount.point).toList();
            case USER_KEYRING, PERSISTENT_KEYRING, SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES, SOCKETS ->
                leftInKernel.getOrDefault(trace, Set.of()).contains(uid) ? List.of(trace + ":" + uid) : List.of();
            case POSIX_IPC ->
                Stream.concat(owned("/dev/shm", uid).stream(), owned("/dev/mqueue", uid).stream())
                        .toList();
            case MAIL -> existing("/var/mail/" + user);
            case JOURNAL -> existing(JOURNAL + "user-" + uid + ".journal");
            case CORE_DUMPS -> existing(CORE_DUMPS + "core.left." + uid + "." + BOOT + ".4711.1700000000000000");
            case LOGIN_RECORDS -> lastLogins.contains(uid) ? List.of("lastlog:" + user) : List.of();
            case SUDO_RECORDS -> existing("/run/sudo/ts/" + user, "/var/lib/sudo/lectured/" + user);
            case FILES -> tenantFiles(tenant);
            case DISK_USAGE -> {
                long inodes = tenantFiles(tenant).stream()
                        .filter(path -> !path.startsWith("/run/"))
                        .filter(path -> !files.mountOf(path).facts.type().equals("tmpfs"))
                        .count();
                yield inodes == 0 ? List.of() : List.of("/:" + inodes);
            }
        };
    }

    private List<String> existing(String... paths) {
        return Stream.of(paths).filter(path -> files.findHere(path) != null).toList();
    }

    private List<String> owned(String directory, int uid) {
        List<String> found = new ArrayList<>();
        files.visit(directory, (path, node) -> {
            if (node.isFile() && node.uid == uid) {
                found.add(path);
            }
        });
        return found;
    }

    private List<FakeFiles.Mounted> tenantMounts(UnitAccount tenant) {
        return files.mounts().stream()
                .filter(mount -> mount.owner == tenant.uid()
                        || tenant.directories().stream().anyMatch(directory -> mount.point.startsWith(directory + "/")))
                .toList();
    }

    private List<String> tenantFiles(UnitAccount tenant) {
        List<String> found = new ArrayList<>();
        collect("", files.directory("/"), tenant, found);
        return found;
    }

    private void collect(String path, FakeFiles.Node node, UnitAccount tenant, List<String> found) {
        node.list().forEach((name, entry) -> {
            String at = path + "/" + name;
            if (PLACES_OF_OTHER_KINDS.contains(at) || tenant.directories().contains(at)) {
                return;
            }
            boolean theirs = entry.uid == tenant.uid() || entry.gid == tenant.uid();
            if (theirs && !isDataOf(tenant, at)) {
                found.add(at);
            }
            if (entry.entries != null && !isDataOf(tenant, at)) {
                collect(at, entry, tenant, found);
            }
        });
    }

    /** Tells whether one of the tenant's directories is bound from this place. */
    private boolean isDataOf(UnitAccount tenant, String path) {
        FakeFiles.Node node = files.findHere(path);
        return tenant.directories().stream().anyMatch(directory -> {
            FakeFiles.Mounted bound = files.mountedOn(directory);
            return bound != null && bound.root == node;
        });
    }

    boolean erase(Trace trace, UnitAccount tenant) {
        List<String> found = find(trace, tenant);
        int uid = tenant.uid();
        switch (trace) {
            case PROCESSES -> machine.kill(process -> process.uid() == uid);
            case CGROUPS, SESSIONS ->
                machine.systemd.systemctl(List.of("stop", "user@" + uid + ".service", "user-" + uid + ".slice"));
            case MOUNTS -> tenantMounts(tenant).forEach(files::unmount);
            case USER_KEYRING, PERSISTENT_KEYRING, SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES, SOCKETS ->
                leftInKernel.getOrDefault(trace, new TreeSet<>()).remove(uid);
            case LOGIN_RECORDS -> lastLogins.remove(uid);
            case DISK_USAGE -> removeAll(tenantFiles(tenant));
            default -> removeAll(found);
        }
        return !found.isEmpty();
    }

    private void removeAll(List<String> paths) {
        paths.stream().filter(path -> files.findHere(path) != null).forEach(files::remove);
    }

    /** Plants what a tenant leaves. */
    void leave(FakeMachine.Account account, Trace trace) {
        String user = account.name();
        int uid = account.uid();
        Access own = new Access(uid, 0600);
        switch (trace) {
            case CRONTABS -> leaveFile("/var/spool/cron/crontabs/" + user, own);
            case AT_JOBS -> leaveFile("/var/spool/cron/atjobs/a" + uid, own);
            case PROCESSES -> {
                machine.spawn(uid, "sleep infinity", "user-" + uid + ".slice");
                machine.spawn(uid, "crond-child", "system.slice");
            }
            case CGROUPS, SESSIONS, RUNTIME_DIRECTORY ->
                machine.systemd.systemctl(List.of("start", "user@" + uid + ".service"));
            case LINGER -> leaveFile("/var/lib/systemd/linger/" + user, Access.rootFile());
            case MOUNTS -> {
                String point = account.home() + "/mounted";
                files.makeDirectory(point, new Access(uid, 0700));
                files.mount(
                        point,
                        FakeFiles.Node.directory(new Access(uid, 0700)),
                        new HostFacts.Mount(
                                point,
                                "sshfs",
                                "fuse.sshfs",
                                Set.of("rw", "user_id=" + uid),
                                machine.topology.memory(),
                                machine.topology.memory()),
                        uid);
            }
            case USER_KEYRING, PERSISTENT_KEYRING, SHARED_MEMORY, SEMAPHORES, MESSAGE_QUEUES, SOCKETS ->
                leftInKernel.computeIfAbsent(trace, t -> new TreeSet<>()).add(uid);
            case POSIX_IPC ->
                List.of("/dev/shm", "/dev/mqueue").forEach(place -> leaveFile(place + "/left-" + uid, own));
            case MAIL -> leaveFile("/var/mail/" + user, own);
            case JOURNAL -> leaveFile(JOURNAL + "user-" + uid + ".journal", Access.rootFile());
            case CORE_DUMPS ->
                leaveFile(CORE_DUMPS + "core.left." + uid + "." + BOOT + ".4711.1700000000000000", Access.rootFile());
            case LOGIN_RECORDS -> lastLogins.add(uid);
            case SUDO_RECORDS ->
                List.of("/run/sudo/ts/", "/var/lib/sudo/lectured/")
                        .forEach(place -> leaveFile(place + user, Access.rootFile()));
            case FILES, DISK_USAGE -> {
                for (String place : List.of("/tmp", "/var/tmp", "/run/lock")) {
                    leaveFile(place + "/left-" + uid, own);
                }
                files.makeDirectory("/tmp/dir-" + uid, own);
                leaveFile("/tmp/dir-" + uid + "/below", own);
            }
        }
    }

    private void leaveFile(String path, Access access) {
        files.write(path, "left\n", access);
    }

    /** What only the kernel held is gone after a boot. */
    void reboot() {
        leftInKernel.clear();
    }
}
