package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleFleet;
import io.kloigos.model.ComputeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What {@code ss} prints on Debian 12 and 13, and whom it tells of. */
class HeldPortsTest {
    private static final SampleFleet FLEET = HostPlansTest.fleets().findFirst().orElseThrow();
    private static final ComputeUnit UNIT = FLEET.units().get(0);
    private static final String SLICE = "/user.slice/user-20000.slice/";

    private static String tcp(int port, String rest) {
        return "LISTEN   0      128     0.0.0.0:" + port + "   0.0.0.0:* uid:20000 ino:7 sk:1 " + rest + "\n";
    }

    private static String udp(int port) {
        return "UNCONN   0      0     [::]:" + port + "   [::]:* uid:20000 ino:7 sk:1 cgroup:" + SLICE + "a <->\n";
    }

    private static String foreign(String tcp, String bound, String udp) {
        return new HeldPorts(tcp, bound, udp, "32768\t60999").foreignTo(UNIT, FLEET.server(), FLEET.units());
    }

    /** Units have 2000 to 2599, the first 200 of them are the unit's; 22 and 631 the host's. */
    @ParameterizedTest
    @CsvSource({
        "2000, none",
        "2199, none",
        "2200, tcp 2200 -",
        "8080, tcp 8080 -",
        "32767, tcp 32767 -",
        "32768, none",
        "60999, none",
        "61000, tcp 61000 -"
    })
    void aPortIsForeignWhereTheKernelCannotHaveChosenIt(int port, String found) {
        assertThat(foreign(tcp(port, ""), "failed", "")).isEqualTo(found);
    }

    @Test
    void clientsThatLetTheKernelChooseAPortAreNobodysConcern() {
        assertThat(foreign("", "", udp(41000) + udp(33333))).isEqualTo("none");
    }

    @Test
    void udpSocketsAndThoseThatAreOnlyBoundAreSeen() {
        String bound = "0 0 0.0.0.0:2210 0.0.0.0:* uid:20000 ino:8 sk:2 cgroup:" + SLICE + "b <->";
        assertThat(foreign("", bound, udp(2300))).isEqualTo("tcp 2210 " + SLICE + "b, udp 2300 " + SLICE + "a");
    }

    @Test
    void aSocketWhoseCgroupIsNotToldIsToldAllTheSame() {
        assertThat(foreign(tcp(2205, ""), "", "")).isEqualTo("tcp 2205 -");
        assertThat(foreign(tcp(2205, "cgroup:unreachable:1a2b <->"), "", "")).isEqualTo("tcp 2205 unreachable:1a2b");
    }

    @Test
    void aCgroupCanAccuseNobodyElse() {
        String line =
                "LISTEN 0 128 0.0.0.0:2005 0.0.0.0:* uid:20001 ino:7 sk:1 cgroup:" + SLICE + "a uid:20000 :2205 <->";
        assertThat(foreign(line, "", "")).isEqualTo("none");
    }

    @Test
    void whoCannotLookDoesNotSayThatThereIsNobody() {
        assertThat(foreign("failed", "", "")).isEqualTo("unknown: ss failed");
        assertThat(foreign("", "", "failed")).isEqualTo("unknown: ss failed");
        assertThat(new HeldPorts("", "", "", "absent").foreignTo(UNIT, FLEET.server(), FLEET.units()))
                .isEqualTo("unknown: ip_local_port_range is absent");
    }
}
