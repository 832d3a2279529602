package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.HostFacts.VolumeGroup;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The LVM volume groups of one host; their volumes are among its block devices. Guarded by the host. */
final class FakeVolumes {
    private static final ByteSize EXTENT = ByteSize.ofMebibytes(4);
    private static final String KIND = "lvm";

    private final List<FakeDisks.Disk> disks;
    private final Map<String, ByteSize> sizes;
    private int created;

    FakeVolumes(List<FakeDisks.Disk> disks, Map<String, ByteSize> sizes) {
        this.disks = disks;
        this.sizes = new TreeMap<>(sizes);
    }

    Map<String, VolumeGroup> groups() {
        Map<String, VolumeGroup> groups = new TreeMap<>();
        sizes.forEach((name, size) -> {
            List<FakeDisks.Disk> volumes = volumesOf(name);
            long used =
                    volumes.stream().mapToLong(volume -> volume.size.bytes()).sum();
            groups.put(
                    name,
                    new VolumeGroup(
                            EXTENT,
                            (size.bytes() - used) / EXTENT.bytes(),
                            volumes.stream()
                                    .map(volume -> FakeFiles.lastOf(volume.path))
                                    .collect(Collectors.toSet()),
                            true));
        });
        return groups;
    }

    private List<FakeDisks.Disk> volumesOf(String group) {
        return disks.stream()
                .filter(disk -> disk.kind.equals(KIND) && disk.path.startsWith("/dev/" + group + "/"))
                .toList();
    }

    String show(String path) {
        return find(path).path;
    }

    private FakeDisks.Disk find(String path) {
        return disks.stream()
                .filter(disk -> disk.kind.equals(KIND) && disk.path.equals("/dev/" + path))
                .findFirst()
                .orElseThrow(() -> new Refused("  Failed to find logical volume \"" + path + "\""));
    }

    String create(String group, String name, ByteSize size) {
        VolumeGroup room = groups().get(group);
        if (room == null) {
            throw new Refused("  Volume group \"" + group + "\" not found\n  Cannot process volume group " + group);
        }
        if (room.volumes().contains(name)) {
            throw new Refused("  Logical Volume \"" + name + "\" already exists in volume group \"" + group + "\"");
        }
        long extents = size.bytes() / EXTENT.bytes();
        if (extents > room.freeExtents()) {
            throw new Refused("  Volume group \"" + group + "\" has insufficient free space (" + room.freeExtents()
                    + " extents): " + extents + " required.");
        }
        disks.add(new FakeDisks.Disk("/dev/" + group + "/" + name, KIND, "253:" + created++, size, "", true));
        return "  Logical volume \"" + name + "\" created.";
    }

    FakeDisks.Disk remove(String path) {
        FakeDisks.Disk volume = find(path);
        disks.remove(volume);
        return volume;
    }
}
