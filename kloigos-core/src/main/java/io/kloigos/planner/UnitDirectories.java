package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Server;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;

/** The steps that make a unit's directories as a new tenant finds them. */
final class UnitDirectories {
    static final int OWNER_ONLY = 0700;

    private UnitDirectories() {}

    static Optional<String> dataDirectory(ComputeUnit unit) {
        return Optional.ofNullable(unit.dataDirectory());
    }

    /** Makes the directories of a unit that had no tenant yet. */
    static void stage(Steps steps, Server server, ComputeUnit unit) {
        steps.directories(unit.directories(), new Access(unit.uid(), OWNER_ONLY));
        fill(steps, server, unit);
    }

    /**
     * Makes the directories of a unit as its next tenant finds them. The home is root's until it is filled: what root writes there must
     * not be led elsewhere, even if somebody still acts for the last tenant.
     */
    static void stageAnew(Steps steps, Server server, ComputeUnit unit) {
        steps.directory(unit.home(), new Access(0, OWNER_ONLY));
        steps.directories(List.of(unit.opt(), unit.mnt()), new Access(unit.uid(), OWNER_ONLY));
        fill(steps, server, unit);
    }

    private static void fill(Steps steps, Server server, ComputeUnit unit) {
        List<String> projects = new ArrayList<>();
        for (String directory : unit.directories()) {
            if (hasLimitedProject(server, unit, directory)) {
                projects.add(directory);
            }
        }
        if (!projects.isEmpty()) {
            List<String> chattr = new ArrayList<>(List.of("chattr", "+P", "-p", Integer.toString(unit.uid())));
            chattr.addAll(projects);
            steps.add(new Step.Command(chattr, ""));
        }
        steps.run("cp", "-rT", "/etc/skel", unit.home());
        steps.add(new Step.TextFile(
                HostFiles.welcome(unit), HostFiles.welcomeText(server, unit), new Access(unit.uid(), 0644)));
        steps.run("chown", "-hR", unit.uid() + ":" + unit.uid(), unit.home());
    }

    /**
     * Puts an empty directory in the place of the emptied one. With that goes what a tenant can leave on a directory itself:
     * lists of who may use what the next tenant makes there (acl(5)), attributes of chattr(1) and user.* (xattr(7)). Whoever still
     * has it open, or mounted in a mount namespace of their own, holds what nobody uses any more, and what root is charged for.
     */
    static void replaceData(Steps steps, ComputeUnit unit) {
        dataDirectory(unit).ifPresent(directory -> {
            String next = directory + ".next";
            steps.directory(next, new Access(unit.uid(), OWNER_ONLY));
            steps.run("chown", "root:root", directory);
            steps.run("chattr", "-P", "-p", "0", directory);
            steps.run("mv", "-T", next, directory);
            steps.dataMounted(unit);
        });
    }

    private static boolean hasLimitedProject(Server server, ComputeUnit unit, String directory) {
        String dataDirectory = unit.dataDirectory();
        String mountPoint = directory.equals(unit.mnt()) && dataDirectory != null
                ? dataDirectory.substring(0, dataDirectory.lastIndexOf('/'))
                : server.facts()
                        .mountOf(directory.substring(0, directory.lastIndexOf('/')))
                        .mountPoint();
        return unit.limits().disks().stream()
                        .anyMatch(limit -> limit.mountPoint().equals(mountPoint))
                && Quotas.hasProjects(server, mountPoint);
    }

    static Step directoriesOwned(List<ComputeUnit> units) {
        List<String> argv = new ArrayList<>(List.of("stat", "-c", "%u:%g %a %n"));
        List<String> expected = new ArrayList<>();
        for (ComputeUnit unit : units) {
            argv.addAll(unit.directories());
            unit.directories().forEach(directory -> expected.add(unit.uid() + ":" + unit.uid() + " 700 " + directory));
        }
        return new Step.Expectation(new Reading.Output(argv), String.join("\n", expected));
    }
}
