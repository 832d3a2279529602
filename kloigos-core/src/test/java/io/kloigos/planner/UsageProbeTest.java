package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ByteSize;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.UnitUsage;
import io.kloigos.spi.Reading;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** What the kernel and the quota tools print, as it was printed on Debian. */
class UsageProbeTest {
    private static final SampleFleet FLEET = HostPlansTest.fleets().findFirst().orElseThrow();
    private static final ComputeUnit UNIT = FLEET.units().get(0);
    private static final String SOCKETS = """
            tcp   LISTEN 0 128 0.0.0.0:22   0.0.0.0:* ino:1 sk:1 cgroup:/system.slice/ssh.service <->
            tcp   LISTEN 0 128 0.0.0.0:2005 0.0.0.0:* uid:20000 ino:2 sk:2 cgroup:/user.slice/user-20000.slice/a.scope <->
            tcp   LISTEN 0 128 [::]:2005    [::]:*    uid:20000 ino:3 sk:3 cgroup:/user.slice/user-20000.slice/a.scope <->
            udp   UNCONN 0 0   0.0.0.0:9999 0.0.0.0:* uid:20000 ino:4 sk:4 cgroup:/user.slice/user-20000.slice/a.scope <->
            tcp   LISTEN 0 128 0.0.0.0:2300 0.0.0.0:* uid:20001 ino:5 sk:5 cgroup:/user.slice/user-20001.slice/a.scope <->
            """;

    private static UnitUsage usage(Map<String, String> texts) {
        UsageProbe probe = new UsageProbe(FLEET.server().facts(), UNIT);
        List<String> answers =
                probe.readings().stream().map(reading -> answer(reading, texts)).toList();
        return probe.usage(answers, SampleFleet.NOON);
    }

    private static String answer(Reading reading, Map<String, String> texts) {
        return texts.entrySet().stream()
                .filter(text -> reading.describe().contains(text.getKey()))
                .map(Map.Entry::getValue)
                .findFirst()
                .orElse("absent");
    }

    @Test
    void countersAreRead() {
        String disk = FLEET.server().facts().disks().get(0).path();
        String number = FLEET.server().facts().disks().get(0).number();
        UnitUsage usage = usage(Map.of(
                "cpu.stat", "usage_usec 1234567",
                "memory.current", "268214272",
                "swap.current", "4096",
                "pids.current", "17",
                "memory.events", "oom_kill 2",
                "cpu.pressure", "some avg10=1.50 avg60=0.20 avg300=0.01 total=7000000",
                "io.stat",
                        number + " rbytes=4096 wbytes=8192 rios=1 wios=2 dbytes=0 dios=0\n254:16 \n"
                                + "7:7 rbytes=1 wbytes=0 rios=1 wios=0",
                "ss -Hltune", SOCKETS));

        assertThat(usage.computeId()).isEqualTo(UNIT.id());
        assertThat(usage.readAt()).isEqualTo(SampleFleet.NOON);
        assertThat(usage.cpuTime()).isEqualTo(Duration.ofNanos(1_234_567_000));
        assertThat(usage.memory()).isEqualTo(new ByteSize(268_214_272));
        assertThat(usage.swap()).isEqualTo(new ByteSize(4096));
        assertThat(usage.tasks()).isEqualTo(17);
        assertThat(usage.oomKills()).isEqualTo(2);
        assertThat(usage.cpuPressure()).isEqualTo(new UnitUsage.Pressure(1.5, 0.2, 0.01, Duration.ofSeconds(7)));
        assertThat(usage.ioPressure()).isNull();
        assertThat(usage.io())
                .containsExactly(
                        new UnitUsage.Io(disk, new ByteSize(4096), new ByteSize(8192), 1, 2),
                        new UnitUsage.Io("7:7", new ByteSize(1), new ByteSize(0), 1, 0));
        assertThat(usage.sockets())
                .containsExactly(new UnitUsage.Socket("tcp", 2005), new UnitUsage.Socket("udp", 9999));
    }

    @Test
    void whatIsStoredIsReadFromTheQuota() {
        UnitUsage usage =
                usage(Map.of("repquota", "#20000     --   10240       0   20480      0    12     0    500      0"));

        assertThat(usage.disks())
                .hasSameSizeAs(UNIT.limits().disks())
                .isNotEmpty()
                .allSatisfy(disk -> {
                    assertThat(disk.size()).isEqualTo(ByteSize.ofMebibytes(10));
                    assertThat(disk.inodes()).isEqualTo(12);
                });
    }

    @Test
    void whatNobodyCountsIsLeftOpen() {
        UnitUsage usage = usage(Map.of("ss -Hltune", "failed", "repquota", "failed", "io.pressure", "absent"));

        assertThat(Stream.of(usage.cpuTime(), usage.memory(), usage.swap(), usage.tasks(), usage.oomKills()))
                .containsOnlyNulls();
        assertThat(usage.cpuPressure()).isNull();
        assertThat(usage.io()).isNull();
        assertThat(usage.disks()).isEmpty();
        assertThat(usage.sockets()).isEmpty();
    }
}
