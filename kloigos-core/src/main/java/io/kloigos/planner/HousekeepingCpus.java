package io.kloigos.planner;

import io.kloigos.model.CpuMask;
import io.kloigos.model.CpuSet;
import io.kloigos.model.Server;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.util.List;
import java.util.Objects;
import java.util.Optional;

/** The steps that keep the system itself, and whatever is in no unit, on the CPUs that are left to it. */
final class HousekeepingCpus {
    /** The slices of the system and, by default, of every user: a unit whose own drop-in is lost lands there too. */
    static final List<String> HOUSEKEEPING = List.of("init.scope", "system.slice", "user-.slice");

    static final List<String> HOUSEKEEPING_DROP_INS =
            HOUSEKEEPING.stream().map(HousekeepingCpus::dropIns).toList();

    /** Those of them that are units, not templates: the system itself. */
    static final List<String> SYSTEM = List.of("init.scope", "system.slice");

    private HousekeepingCpus() {}

    static void writeHousekeeping(Steps steps, CpuSet cpus) {
        if (cpus.isEmpty()) {
            return;
        }
        HOUSEKEEPING.forEach(
                name -> steps.rootFile(housekeepingFile(name), HostFiles.housekeepingDropIn(section(name), cpus)));
    }

    /** Returns where the kernel is to do work that belongs to no CPU, e.g. to write what others' processes left for the disk. */
    static Optional<CpuMask> workqueueCpus(Server server) {
        return server.housekeepingCpus().isEmpty()
                ? Optional.empty()
                : Optional.ofNullable(server.facts().workqueueCpus()).map(mask -> mask.of(server.housekeepingCpus()));
    }

    static void moveKernelTo(Steps steps, CpuMask cpus) {
        steps.add(new Step.Command(List.of("tee", HostFiles.WORKQUEUE_CPUS), cpus + "\n"));
        steps.expectFile(cpus.toString(), HostFiles.WORKQUEUE_CPUS);
    }

    static String section(String name) {
        return name.endsWith(".scope") ? "Scope" : "Slice";
    }

    private static String dropIns(String name) {
        return HostFiles.SYSTEMD + "/" + name + ".d";
    }

    static String housekeepingFile(String name) {
        return dropIns(name) + "/20-kloigos-housekeeping.conf";
    }

    /** A reload alone may leave the old CPUs in force where a cgroup was made at boot; setting the property does not. */
    static void moveSystemTo(Steps steps, CpuSet cpus) {
        for (String name : SYSTEM) {
            steps.run("systemctl", "set-property", "--runtime", name, "AllowedCPUs=" + cpus);
            steps.add(new Step.Expectation(
                    new Reading.FileText("/sys/fs/cgroup/" + name + "/cpuset.cpus.effective"),
                    cpus.toString(),
                    Steps.SETTLING));
        }
    }

    /** A limit that is only taken away may stay in force until the next boot, so every CPU is allowed before. */
    static void releaseHousekeeping(Steps steps, Server server) {
        if (!server.housekeepingCpus().isEmpty()) {
            steps.directories(HOUSEKEEPING_DROP_INS, Access.rootDirectory());
            writeHousekeeping(steps, server.facts().onlineCpus());
            steps.run("systemctl", "daemon-reload");
            moveSystemTo(steps, server.facts().onlineCpus());
        }
        steps.remove(HostFiles.TMPFILES);
        if (workqueueCpus(server).isPresent()) {
            moveKernelTo(steps, Objects.requireNonNull(server.facts().workqueueCpus()));
        }
        HOUSEKEEPING.forEach(name -> steps.remove(housekeepingFile(name)));
        SYSTEM.forEach(name -> steps.remove(HostFiles.CONTROL + "/" + name + ".d/50-AllowedCPUs.conf"));
        if (!server.housekeepingCpus().isEmpty()) {
            steps.removeEmptyDirectories(
                    HostFiles.CONTROL, SYSTEM.stream().map(name -> name + ".d").toList());
        }
    }
}
