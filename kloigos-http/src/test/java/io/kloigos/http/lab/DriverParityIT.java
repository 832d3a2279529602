package io.kloigos.http.lab;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.model.HostAddress;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Sha256;
import io.kloigos.model.Trace;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.HostDriverContract;
import io.kloigos.testkit.lab.Lab;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.io.TempDir;

/**
 * The local driver on a real host that it runs on, and the same story over SSH: the same plans leave the same host, whoever
 * applies them. The fake is held to the files that they leave.
 */
@Tag("lab")
@ExtendWith(Narrator.class)
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
class DriverParityIT {
    private static final String SLICE = "/sys/fs/cgroup/user.slice/user-20000.slice/";

    @TempDir
    static Path directory;

    private final Chapters local = new Chapters();
    private Lab lab;
    private ProgramInLab program;
    private HostFacts facts;
    private List<String> before;
    private HostAddress address;

    /** What a driver said that it did in each part of the story, and what the host was like afterwards. */
    private static final class Chapters {
        final Map<String, String> steps = new TreeMap<>();
        final Map<String, List<String>> states = new TreeMap<>();
    }

    /** Has one driver do something. */
    private interface Teller {
        String tell(String... words);
    }

    @BeforeAll
    void startOnAPristineHost() {
        lab = Lab.start(Lab.Release.BOOKWORM);
        lab.restore();
        address = new HostAddress("host1", lab.host(), lab.port(), null, null);
        program = ProgramInLab.start(lab, directory);
    }

    @AfterAll
    void stop() {
        if (program != null) {
            program.close();
        }
    }

    private SshHostDriver sshDriver() {
        return new SshHostDriver(SshSettings.withKey(lab.privateKey()));
    }

    private List<String> state() {
        return lab.root(Scripts.read("fingerprint.sh")).ok().lines().toList();
    }

    private static List<String> difference(List<String> one, List<String> other) {
        return Stream.concat(
                        one.stream().filter(line -> !other.contains(line)).map(line -> "- " + line),
                        other.stream().filter(line -> !one.contains(line)).map(line -> "+ " + line))
                .toList();
    }

    @Test
    @Order(10)
    void bothDriversSeeTheSameHost() {
        facts = HostFacts.parse(program.tell("facts"));
        String overSsh;
        try (Story story = new Story(sshDriver(), address, directory.resolve("facts.db"))) {
            overSsh = story.tell("facts");
        }
        HostFacts there = HostFacts.parse(overSsh);

        assertThat(there.hostKey()).startsWith("SHA256:");
        assertThat(lasting(facts)).isEqualTo(lasting(there.withHostKey("")));
    }

    /** Without what is free, which changes by itself. */
    private static List<String> lasting(HostFacts facts) {
        return facts.toString()
                .lines()
                .map(line -> line.startsWith("mount=") ? line.substring(0, line.lastIndexOf('\t')) : line)
                .toList();
    }

    @Test
    @Order(15)
    void bothDriversMakeLogicalVolumesAndTellOfThem() {
        lab.root("truncate -s 300M /var/tmp/group; vgcreate -qq -y group $(losetup --find --show /var/tmp/group)")
                .ok();
        String made = "CHANGED \nCHANGED \nUNCHANGED \nUNCHANGED ";

        assertThat(program.tell("volume", "group/local")).isEqualTo(made);
        HostFacts there;
        try (Story story = new Story(sshDriver(), address, directory.resolve("volumes.db"))) {
            assertThat(story.tell("volume", "group/ssh")).isEqualTo(made);
            there = HostFacts.parse(story.tell("facts"));
        }

        assertThat(HostFacts.parse(program.tell("facts")).volumeGroups())
                .isEqualTo(there.volumeGroups())
                .containsEntry(
                        "group",
                        new HostFacts.VolumeGroup(ByteSize.parse("4M"), 74 - 2 * 16, Set.of("local", "ssh"), true));
        lab.root("vgremove -qq -y group; losetup --detach-all; rm -r /var/tmp/group /etc/lvm/archive /etc/lvm/backup")
                .ok();
        forgetFences();
    }

    @Test
    @Tag("thorough")
    @Order(20)
    void theLocalDriverKeepsTheContract() {
        long behaviours = Arrays.stream(HostDriverContract.class.getMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .count();

        List<String> results = program.tell("contract").lines().toList();

        System.out.println("LocalHostDriver in the lab: "
                + results.stream()
                        .filter(line -> line.startsWith("SUCCESSFUL "))
                        .count() + " of " + behaviours
                + " behaviours of the driver contract");
        assertThat(results).hasSize((int) behaviours).allMatch(line -> line.startsWith("SUCCESSFUL "), "kept");
        forgetFences();
    }

    /** So that what comes next begins below them, on a host without a trace of Kloigos. */
    private void forgetFences() {
        lab.root("rm -rf /run/kloigos /var/lib/kloigos").ok();
    }

    @Test
    @Order(30)
    void theLocalDriverLeadsAUnitThroughItsLife() {
        before = state();

        String released = live(program::tell, Scripts.withArguments("hostile.sh", "c4-7"), local);

        assertThat(released)
                .contains(
                        "changed erase crontabs of u4-7\n",
                        "changed erase processes of u4-7\n",
                        "changed erase persistent_keyring of u4-7\n",
                        "changed erase login_records of u4-7\n",
                        "changed erase journal of u4-7\n",
                        "changed erase files of u4-7\n");
        assertThat(local.states.get("allocated"))
                .as("what is compared below")
                .contains(
                        "table inet kloigos {",
                        "kloigos-ports.service enabled enabled",
                        "user.slice/user-20000.slice/cpuset.cpus.effective 4-7",
                        "-u /var/lib/kloigos/data0")
                .anyMatch(line -> line.matches("#20000,.*,122880,.*"), "a limit on the system's disk")
                .anyMatch(line -> line.matches("#20000,.*,81920,.*"), "a limit on the data disk")
                .anyMatch(line -> line.matches(" *20000 .*P.* /mnt/c4-7"), "a project");
        assertThat(difference(before, local.states.get("decommissioned")))
                .as("what is left after decommission")
                // Until the next boot, the system is told to have every CPU.
                .allMatch(line -> line.matches("- .* absent|\\+ .*(cpuset.cpus.effective |AllowedCPUs=)0-15"));
    }

    @Test
    @Order(40)
    void theSamePlansOverSshLeaveTheSameHost() {
        program.close();
        lab.restore();
        Chapters ssh = new Chapters();
        try (Story story = new Story(sshDriver(), address, directory.resolve("ssh.db"))) {
            live(story::tell, "echo nothing > /tmp/left", ssh);
        }

        assertThat(local.steps).isEqualTo(ssh.steps);
        ssh.states.forEach((when, state) -> assertThat(difference(state, local.states.get(when)))
                .as("the host %s: - over SSH, + by the local driver", when)
                .isEmpty());
    }

    /** Tells the story, in which {@code tenant} is what the tenant runs, and returns what became of its release. */
    private String live(Teller teller, String tenant, Chapters chapters) {
        chapters.steps.put("init", teller.tell("init"));
        chapters.steps.put("allocate", teller.tell("allocate", lab.publicKey()));
        chapters.states.put("allocated", state());
        assertThat(lab.root("cd " + SLICE + " && cat cpuset.cpus.effective memory.max memory.high pids.max")
                        .ok())
                .isEqualTo("4-7\n536870912\n469762048\n300");
        assertThat(lab.ssh("u4-7", "nproc; df --output=size -BM ~ /mnt/c4-7 | tail -n +2 | tr -d ' '")
                        .ok())
                .isEqualTo("4\n120M\n80M");
        lab.ssh("u4-7", tenant).ok();
        lab.root(Scripts.withArguments("leave.sh", "u4-7", "20000")).ok();
        assertThat(teller.tell("traces").lines())
                .as("kinds of traces that are seen")
                .containsExactlyElementsOf(
                        Stream.of(Trace.values()).map(Trace::toString).toList());
        lab.root(Scripts.read("let-go.sh")).ok();

        // What of a tenant's is left when its turn comes differs from time to time, so only the end is compared.
        String released = teller.tell("deallocate");
        chapters.states.put("deallocated", state());
        assertThat(lab.root(Scripts.withArguments("traces.sh", "u4-7", "20000")).ok())
                .isEmpty();
        assertThat(lab.ssh("u4-7", "true").exit()).as("login afterwards").isNotZero();
        // Nor is what others left with the number of a unit: their core dump is theirs to take away.
        lab.root("kill $(cat /run/holder/pid); rm -r /run/holder; rm /var/lib/systemd/coredump/core.of-others.*")
                .ok();

        chapters.steps.put("decommission", teller.tell("decommission"));
        chapters.states.put("decommissioned", state());
        return released;
    }

    @Test
    @Order(50)
    void aFakeHostHasTheSameFiles() throws Exception {
        FakeHost host = FakeHost.builder("host1", "127.0.0.1")
                .cpus(16)
                .nodes(2)
                .memory(ByteSize.parse("4G"))
                .systemd(252)
                .without(Capability.CROND)
                .disk("/dev/vdb", ByteSize.parse("4G"))
                .build();
        Map<String, String> fakeBefore = fakeFiles(host);
        Map<String, String> realBefore = realFiles(before);
        Map<String, String> steps = new TreeMap<>();
        try (Story story = new Story(FakeFleet.of(host).driver(), host.address(), directory.resolve("fake.db"))) {
            steps.put("init", story.tell("init"));
            steps.put("allocate", story.tell("allocate", lab.publicKey()));
        }

        assertThat(difference(
                        lines(realFiles(local.states.get("allocated")), fakeBefore, realBefore),
                        lines(fakeFiles(host), fakeBefore, realBefore)))
                .as("files that init and an allocation made: - on the lab, + on the fake")
                .isEmpty();
        steps.forEach((part, told) -> assertThat(difference(
                        local.steps.get(part).lines().toList(),
                        told.replace(diskNumber(host.facts()), diskNumber(facts))
                                .lines()
                                .toList()))
                .as("the steps of %s: - on the lab, + on the fake", part)
                .isEmpty());
    }

    private static String diskNumber(HostFacts facts) {
        return facts.disk("/dev/vdb").orElseThrow().number();
    }

    /** Returns a line a file, without those that one of the hosts had from the beginning: Debian has more than a fake. */
    private static List<String> lines(
            Map<String, String> files, Map<String, String> before, Map<String, String> otherBefore) {
        return files.entrySet().stream()
                .filter(file -> !before.containsKey(file.getKey()) && !otherBefore.containsKey(file.getKey()))
                .map(file -> file.getKey() + " " + file.getValue())
                .toList();
    }

    private static boolean isCompared(String path) {
        return path.matches("(/etc/(kloigos|systemd/system|sysctl.d|ssh)|/home|/opt|/mnt|/var/lib/systemd/linger)/.*")
                && !path.matches("/home/[^/]+/\\.(bash.*|profile)");
    }

    /** Owner, mode and content of each file, by path. */
    private static Map<String, String> realFiles(List<String> state) {
        Map<String, String> files = new TreeMap<>();
        String section = "";
        for (String line : state) {
            if (line.startsWith("== ")) {
                section = line;
            } else if (section.equals("== files")) {
                String[] fields = line.split(" ", 5);
                if (isCompared(fields[3])) {
                    files.put(fields[3], fields[0].equals("l") ? "-> " + fields[4] : fields[2] + " " + fields[1]);
                }
            } else if (section.equals("== contents")) {
                String[] fields = line.split("  ", 2);
                if (fields.length == 2) {
                    files.computeIfPresent(fields[1], (path, access) -> access + " " + fields[0]);
                }
            }
        }
        return files;
    }

    private static Map<String, String> fakeFiles(FakeHost host) throws Exception {
        Map<String, String> files = new TreeMap<>();
        for (String line :
                host.state().lines().filter(text -> text.startsWith("/")).toList()) {
            String[] fields = line.split(" ", 5);
            String path = fields[0];
            if (!isCompared(path)) {
                continue;
            }
            String access = fields[2] + " " + Integer.toOctalString(Integer.parseInt(fields[1], 8));
            if (fields[4].startsWith("-> ")) {
                files.put(path, fields[4]);
            } else if (fields[4].equals("/")) {
                files.put(path, access);
            } else {
                files.put(path, access + " " + Sha256.of(host.file(path)).hex());
            }
        }
        return files;
    }
}
