package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.HostFacts;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;

/** The disks of a fake machine, with what is on them, where it is mounted and who may store how much. */
final class FakeDisks {
    /** A block device and what is on it. */
    static final class Disk {
        final String path;
        final String kind;
        final String number;
        final ByteSize size;
        final boolean discards;
        String signature;
        String label;
        FakeFiles.Node content = FakeFiles.Node.directory(Access.rootDirectory());

        Disk(String path, String kind, String number, ByteSize size, String signature, boolean discards) {
            this.path = path;
            this.kind = kind;
            this.number = number;
            this.size = size;
            this.discards = discards;
            this.signature = signature;
            this.label = "";
        }
    }

    /** Whose quota on which device. */
    record QuotaKey(QuotaKind kind, int id, String source) {}

    final List<Disk> all;
    final FakeVolumes volumes;
    final Map<QuotaKey, String> quotas = new TreeMap<>(java.util.Comparator.comparing(QuotaKey::toString));
    private final FakeMachine machine;
    private final FakeFiles files;

    FakeDisks(FakeMachine machine, FakeHostBuilder spec) {
        this.machine = machine;
        this.files = machine.files;
        all = spec.disks.stream()
                .map(disk -> new Disk(
                        disk.path(), disk.kind(), disk.number(), disk.size(), disk.signature(), disk.discards()))
                .collect(Collectors.toCollection(ArrayList::new));
        volumes = new FakeVolumes(all, spec.volumeGroups);
    }

    boolean format(Step.DiskFormat format) {
        Disk disk = find(format.device());
        if (disk == null) {
            throw new Refused(format.device() + ": No such file or directory");
        }
        if (disk.label.equals(format.label())) {
            return false;
        }
        if (!Set.of("disk", "lvm").contains(disk.kind)) {
            throw new Refused(format.device() + " is a " + disk.kind + ", not a whole disk");
        }
        if (!disk.signature.isEmpty()) {
            throw new Refused(format.device() + " holds " + disk.signature + "; only a blank disk is formatted");
        }
        new FakeTools(machine).require("mkfs." + format.type());
        blank(disk);
        disk.signature = format.type().toString();
        disk.label = format.label();
        return true;
    }

    static boolean enforces(HostFacts.Mount mount, QuotaKind kind) {
        return kind == QuotaKind.USER ? mount.enforcesUserQuota() : mount.enforcesProjectQuota();
    }

    @Nullable
    Disk find(String path) {
        String label = path.startsWith("/dev/disk/by-label/") ? FakeFiles.lastOf(path) : "";
        return all.stream()
                .filter(disk -> label.isEmpty() ? disk.path.equals(path) : disk.label.equals(label))
                .findFirst()
                .orElse(null);
    }

    void blank(Disk disk) {
        disk.signature = "";
        disk.label = "";
        disk.content = FakeFiles.Node.directory(Access.rootDirectory());
        quotas.keySet().removeIf(key -> key.source().equals(disk.path));
    }

    /** Returns the number of the device at a path, or of the one that holds the path; empty if there is none. */
    String deviceNumber(String path) {
        Disk disk =
                find(path.startsWith("/dev/") ? path : files.mountOf(path).facts.source());
        return disk == null ? "" : disk.number;
    }

    void mount(String what, String where, String type, String options) {
        Set<String> asked = new TreeSet<>(List.of(options.split(",", -1)));
        if (asked.remove("bind")) {
            FakeFiles.Node source = files.find(what);
            if (source == null) {
                throw new Refused("mount: " + where + ": special device " + what + " does not exist.");
            }
            HostFacts.Mount of = files.mountOf(what).facts;
            asked.addAll(of.options());
            files.makeAll(where);
            files.mount(
                    where,
                    source,
                    new HostFacts.Mount(where, of.source(), of.type(), asked, of.size(), of.available()),
                    0);
            return;
        }
        Disk disk = find(what);
        if (disk == null) {
            throw new Refused("mount: " + where + ": special device " + what + " does not exist.");
        }
        if (disk.signature.isEmpty() || (!type.equals("auto") && !type.equals(disk.signature))) {
            throw new Refused("mount: " + where + ": wrong fs type, bad option, bad superblock on " + disk.path + ".");
        }
        // XFS shows its quota options under the names of ext4 in /proc/self/mountinfo.
        if (asked.remove("uquota")) {
            asked.add("usrquota");
        }
        if (asked.remove("pquota")) {
            asked.add("prjquota");
        }
        asked.addAll(List.of("rw", "relatime"));
        files.makeAll(where);
        files.mount(
                where,
                disk.content,
                new HostFacts.Mount(where, disk.path, disk.signature, asked, disk.size, disk.size.times(95, 100)),
                0);
    }

    void umount(String point) {
        FakeFiles.Mounted mount = files.mountedOn(point);
        if (mount == null) {
            throw new Refused("umount: " + point + ": not mounted.");
        }
        files.unmount(mount);
        machine.systemd.unmounted(point);
    }
}
