package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.testkit.FakeTools.Tool;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The commands of a fake host about file systems, quotas, disks and logical volumes. */
final class DiskTools {
    private final FakeMachine machine;
    private final FakeFiles files;

    DiskTools(FakeMachine machine) {
        this.machine = machine;
        this.files = machine.files;
    }

    void addTo(Map<String, Tool> tools) {
        tools.put("setquota", this::setQuota);
        tools.put("repquota", (arguments, stdin) -> reportQuota(arguments));
        tools.put("mountpoint", (arguments, stdin) -> mountPoint(arguments));
        tools.put("umount", (arguments, stdin) -> unmount(arguments));
        tools.put("wipefs", (arguments, stdin) -> wipe(arguments));
        tools.put("sync", (arguments, stdin) -> sync(arguments));
        tools.put("lsblk", (arguments, stdin) -> discardMax(arguments));
        tools.put("fstrim", (arguments, stdin) -> trim(arguments));
        tools.put("lvs", (arguments, stdin) -> machine.disks.volumes.show(arguments.only()));
        tools.put("lvcreate", (arguments, stdin) -> createVolume(arguments));
        tools.put("lvremove", (arguments, stdin) -> removeVolume(arguments));
    }

    private String setQuota(Arguments arguments, String stdin) {
        QuotaKind kind = arguments.take("-u") ? QuotaKind.USER : QuotaKind.PROJECT;
        if (kind == QuotaKind.PROJECT && !arguments.take("-P")) {
            throw arguments.unknown();
        }
        boolean grace = arguments.take("-t");
        boolean batch = arguments.take("-b");
        List<String> words = batch ? arguments.words(1, 1) : grace ? arguments.words(3, 3) : arguments.words(6, 6);
        String mountPoint = words.get(words.size() - 1);
        FakeFiles.Mounted mount = files.mountedOn(mountPoint);
        if (mount == null || !FakeDisks.enforces(mount.facts, kind)) {
            throw new Refused("setquota: Mountpoint (or device) " + mountPoint + " not found or has no quota enabled.\n"
                    + "setquota: Not all specified mountpoints are using quota.");
        }
        if (grace) {
            return "";
        }
        String source = mount.facts.source();
        if (batch) {
            stdin.lines().forEach(line -> setQuota(kind, List.of(line.split(" ", -1)), source));
        } else {
            setQuota(kind, words, source);
        }
        return "";
    }

    private void setQuota(QuotaKind kind, List<String> words, String source) {
        FakeDisks.QuotaKey key = new FakeDisks.QuotaKey(kind, Integer.parseInt(words.get(0)), source);
        int limit = kind == QuotaKind.USER ? 2 : 1;
        String limits = Long.parseLong(words.get(limit)) + " " + Long.parseLong(words.get(limit + 2));
        if (limits.equals("0 0")) {
            machine.disks.quotas.remove(key);
        } else {
            machine.disks.quotas.put(key, limits);
        }
    }

    /** What users have stored on a file system, and may: a file takes whole blocks of 4 KiB. */
    private String reportQuota(Arguments arguments) {
        if (!arguments.flags("unp").equals(Set.of('n', 'p', 'u'))) {
            throw arguments.unknown();
        }
        FakeFiles.Mounted mount = files.mountedOn(arguments.only());
        if (mount == null || !FakeDisks.enforces(mount.facts, QuotaKind.USER)) {
            throw new Refused("repquota: Mountpoint (or device) not found or has no quota enabled.");
        }
        Map<Integer, long[]> used = new java.util.TreeMap<>();
        files.visit("/", (path, node) -> {
            if (files.mountOf(path).facts.source().equals(mount.facts.source())) {
                long[] sums = used.computeIfAbsent(node.uid, uid -> new long[2]);
                sums[0] += node.isFile() ? (node.text.length() + 4095) / 4096 * 4 : 4;
                sums[1]++;
            }
        });
        StringBuilder out = new StringBuilder();
        used.forEach((uid, sums) -> {
            String[] limits = machine.disks
                    .quotas
                    .getOrDefault(new FakeDisks.QuotaKey(QuotaKind.USER, uid, mount.facts.source()), "0 0")
                    .split(" ", -1);
            out.append(String.format(
                    "#%-9d -- %7d %7d %7s %5d %5d %5d %5s %5d%n",
                    uid, sums[0], 0, limits[0], 0, sums[1], 0, limits[1], 0));
        });
        return out.toString();
    }

    private String mountPoint(Arguments arguments) {
        arguments.flags("q");
        if (files.mountedOn(arguments.only()) == null) {
            throw new Refused("");
        }
        return "";
    }

    private String unmount(Arguments arguments) {
        arguments.flags("l");
        machine.disks.umount(arguments.only());
        return "";
    }

    private String sync(Arguments arguments) {
        arguments.flags("f");
        if (files.find(arguments.only()) == null) {
            throw new Refused("sync: error opening '" + arguments.only() + "': No such file or directory");
        }
        return "";
    }

    private String trim(Arguments arguments) {
        arguments.take("--quiet-unsupported");
        if (files.mountedOn(arguments.only()) == null) {
            throw new Refused("fstrim: " + arguments.only() + ": not a mountpoint");
        }
        return "";
    }

    private String discardMax(Arguments arguments) {
        if (!"DISC-MAX".equals(arguments.value("-bdno"))) {
            throw arguments.unknown();
        }
        FakeDisks.Disk disk = machine.disks.find(arguments.only());
        if (disk == null) {
            throw new Refused("lsblk: " + arguments.only() + ": not a block device");
        }
        return disk.discards ? "2147450880\n" : "0\n";
    }

    private String createVolume(Arguments arguments) {
        String size = arguments.value("-L");
        String name = arguments.value("-n");
        String wipes = arguments.value("-W");
        if (size == null || name == null || !"y".equals(wipes) || !arguments.take("-y") || !size.endsWith("b")) {
            throw arguments.unknown();
        }
        long bytes = Long.parseLong(size.substring(0, size.length() - 1));
        return machine.disks.volumes.create(arguments.only(), name, new ByteSize(bytes));
    }

    private String removeVolume(Arguments arguments) {
        if (!arguments.take("-y") || !"devices/issue_discards=1".equals(arguments.value("--config"))) {
            throw arguments.unknown();
        }
        String path = arguments.only();
        if (files.mounts().stream().anyMatch(mount -> mount.facts.source().equals("/dev/" + path))) {
            throw new Refused("  Logical volume " + path + " contains a filesystem in use.");
        }
        FakeDisks.Disk removed = machine.disks.volumes.remove(path);
        machine.disks.blank(removed);
        return "";
    }

    private String wipe(Arguments arguments) {
        boolean all = arguments.flags("an").contains('a');
        FakeDisks.Disk disk = machine.disks.find(arguments.only());
        if (disk == null) {
            throw new Refused("wipefs: error: " + arguments.only() + ": probing initialization failed: No such file or"
                    + " directory");
        }
        if (all) {
            if (files.mounts().stream().anyMatch(mount -> mount.facts.source().equals(disk.path))) {
                throw new Refused("wipefs: error: " + disk.path + ": probing initialization failed: Device or resource"
                        + " busy");
            }
            machine.disks.blank(disk);
            return "";
        }
        return disk.signature.isEmpty() ? "" : disk.signature + " " + disk.label + "\n";
    }
}
