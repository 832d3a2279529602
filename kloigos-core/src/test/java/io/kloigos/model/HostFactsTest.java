package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.fixture.SampleHost;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostFactsTest {
    @Test
    void readBackWhatTheyPrint() {
        HostFacts facts = SampleHost.debian()
                .with("core", "0,8\t0\t0\t0", "1,9\t0\t1\t4")
                .with("listen", "22", "8080", "53")
                .with("reserved_ports", "80,2000-2199")
                .with("directory", "/home/ann", "/opt/a b", "/mnt/lost+found")
                .with("ssh_allow", "AllowUsers ann bob", "DenyGroups guests")
                .with("managed_by", "kloigos 1")
                .facts();

        assertThat(HostFacts.parse(facts.toString())).isEqualTo(facts).hasToString(facts.toString());
    }

    @Test
    void tellWhatTheProbeSaid() {
        HostFacts facts = SampleHost.debian().plus("listen", "8080").facts();

        assertThat(facts.os()).isEqualTo("debian 12");
        assertThat(facts.onlineCpus()).isEqualTo(CpuSet.range(0, 15));
        assertThat(facts.memory()).isEqualTo(ByteSize.parse("16G"));
        assertThat(facts.nodes().get(1)).isEqualTo(new HostFacts.Node(CpuSet.range(8, 15), ByteSize.parse("8G")));
        assertThat(facts.listeningPorts()).containsExactly(22, 8080);
        assertThat(facts.can(Capability.CGROUP_V2)).isTrue();
        assertThat(facts.mountOf("/home").available()).isEqualTo(ByteSize.parse("32G"));
        assertThat(facts.disk("/dev/sdb"))
                .get()
                .extracting(HostFacts.Disk::signature)
                .isEqualTo("");
        assertThat(facts.disk("/dev/sdz")).isEmpty();
    }

    @Test
    void knowTheNodesOfCpus() {
        HostFacts facts = SampleHost.debian().facts();

        assertThat(facts.nodesOf(CpuSet.parse("0-3"))).hasToString("0");
        assertThat(facts.nodesOf(CpuSet.parse("8"))).hasToString("1");
        assertThat(facts.nodesOf(CpuSet.parse("7-8"))).hasToString("0-1");
    }

    @ParameterizedTest
    @ValueSource(strings = {"usrquota,prjquota", "uquota,pquota"})
    void seeQuotasInMountOptions(String options) {
        HostFacts.Mount ext4 = SampleHost.debian()
                .withRootMount("ext4", "rw," + options, 1)
                .facts()
                .mountOf("/home");
        HostFacts.Mount btrfs = SampleHost.debian()
                .withRootMount("btrfs", "rw," + options, 1)
                .facts()
                .mountOf("/home");

        assertThat(ext4.enforcesUserQuota()).isTrue();
        assertThat(ext4.enforcesProjectQuota()).isTrue();
        assertThat(btrfs.enforcesUserQuota()).isFalse();
        assertThat(btrfs.enforcesProjectQuota()).isFalse();
    }

    @Test
    void tellTheVolumeGroups() {
        HostFacts facts = SampleHost.debian()
                .withVolumeGroup("vg0", 10, "home", "opt")
                .withVolumeGroup("vg1", 0)
                .facts();

        assertThat(facts.volumeGroups())
                .containsExactly(
                        Map.entry(
                                "vg0",
                                new HostFacts.VolumeGroup(ByteSize.parse("4M"), 10, Set.of("home", "opt"), true)),
                        Map.entry("vg1", new HostFacts.VolumeGroup(ByteSize.parse("4M"), 0, Set.of(), true)));
        assertThat(HostFacts.parse(facts.toString())).isEqualTo(facts);
    }

    @Test
    void areRefusedWhereverTheAnswerIsCutShort() {
        String text = SampleHost.debian().text();
        for (int end = 0; end <= text.indexOf("done="); end += 7) {
            String cut = text.substring(0, end);
            assertThatThrownBy(() -> HostFacts.parse(cut))
                    .isInstanceOfSatisfying(
                            KloigosException.class,
                            refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.HOST_PROTOCOL))
                    .hasMessageContaining("cut short");
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "os",
                "kernel",
                "systemd_version",
                "cgroup_controllers",
                "online_cpus",
                "memory_kb",
                "swap_kb",
                "reserved_ports",
                "workqueue_cpus",
                "managed_by",
                "ssh_unit"
            })
    void areRefusedWithTheNameOfAMissingLine(String key) {
        String text = SampleHost.debian().without(key).text();

        assertThatThrownBy(() -> HostFacts.parse(text))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.HOST_PROTOCOL))
                .hasMessageContaining(key);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "memory_kb=much",
                "systemd_version=",
                "online_cpus=x",
                "node=0\t0-7",
                "node=a\t0-7\t1",
                "capability=fly",
                "listen=ssh",
                "mount=/home",
                "disk=/dev/sda",
                "disk=/dev/sda\tdisk\t8:0\t1\t\t\tperhaps",
                "account=root",
                "core=?\t0\t0\t0",
                "core=0-1",
                "core=\t0\t0\t0",
                "cache=0-1\t3",
                "cache=0-1\t3\t32M"
            })
    void areRefusedIfALineIsNotUnderstood(String line) {
        int equals = line.indexOf('=');
        String text = SampleHost.debian()
                .with(line.substring(0, equals), line.substring(equals + 1))
                .text();

        assertThatThrownBy(() -> HostFacts.parse(text))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.code()).isEqualTo(ErrorCode.HOST_PROTOCOL));
    }

    @Test
    void ignoreWhatALoginShellPrintsBefore() {
        String text = SampleHost.debian().text();

        assertThat(HostFacts.parse("Welcome!\n\n" + text)).isEqualTo(HostFacts.parse(text));
    }
}
