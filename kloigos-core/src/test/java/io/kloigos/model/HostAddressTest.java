package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class HostAddressTest {
    @ParameterizedTest
    @ValueSource(
            strings = {
                "10.0.0.1",
                "0.0.0.0",
                "255.255.255.255",
                "192.168.178.20",
                "::1",
                "::",
                "fe80::1",
                "2001:db8::8a2e:370:7334",
                "2001:0DB8:0:0:0:0:0:1",
                "::ffff:10.0.0.1"
            })
    void takesIpv4AndIpv6Literals(String ip) {
        assertThat(new HostAddress("host1", ip, null, null, null).ip()).isEqualTo(ip);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "host1",
                "localhost",
                "10.0.0",
                "10.0.0.1.",
                "10.0.0.256",
                "10.0.0.1.2",
                "10.0.0.01",
                "010.0.0.1",
                "10.0.0.1 ",
                "10.0.0.1\n",
                "10.0.0.1;reboot",
                "1",
                "0x7f.1",
                "127.1",
                ".::1",
                ":",
                ":::",
                "1:2",
                "1:2:3:4:5:6:7:8:9",
                "12345::",
                "g::1",
                "[::1]",
                "fe80::1%eth0",
                "$(id)",
                "::1/64",
                "10.0.0.1/8"
            })
    void refusesWhatIsNoAddress(String ip) {
        assertThatThrownBy(() -> new HostAddress("host1", ip, null, null, null))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.faults())
                                .singleElement()
                                .satisfies(fault -> assertThat(fault.path()).containsExactly("ip")));
    }

    @ParameterizedTest
    @ValueSource(strings = {"a", "host1", "host-1.example.org", "1.2.3.4", "xn--bcher-kva.example", "0"})
    void takesHostNamesOfRfc1123(String hostname) {
        assertThat(new HostAddress(hostname, "::1", null, null, null).hostname())
                .isEqualTo(hostname);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "Host1",
                "host_1",
                "-host",
                "host-",
                ".host",
                "host.",
                "a..b",
                "host 1",
                "host1\n",
                "host;reboot",
                "$(id)",
                "../etc",
                "bücher",
                "a234567890123456789012345678901234567890123456789012345678901234"
            })
    void refusesWhatIsNoHostName(String hostname) {
        assertThatThrownBy(() -> new HostAddress(hostname, "::1", null, null, null))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.faults())
                                .singleElement()
                                .satisfies(fault -> assertThat(fault.path()).containsExactly("hostname")));
    }

    @Test
    void refusesAHostNameOfMoreThan253Characters() {
        String long254 = "a.".repeat(126) + "ab";
        assertThat(new HostAddress(long254.substring(0, 253), "::1", null, null, null).hostname())
                .hasSize(253);
        assertThatThrownBy(() -> new HostAddress(long254, "::1", null, null, null))
                .isInstanceOf(KloigosException.class);
    }

    @Test
    void namesEveryFaultAtOnce() {
        assertThatThrownBy(() -> new HostAddress("Host 1", "nowhere", 65536, "Root!", null))
                .isInstanceOfSatisfying(KloigosException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
                    assertThat(refusal.faults())
                            .extracting(fault -> fault.path().get(0))
                            .containsExactly("hostname", "ip", "ssh_port", "ssh_user");
                    assertThat(refusal).hasMessageContaining("ssh_port: 65536 is not a port: 1 to 65535");
                });
    }

    @Test
    void isPinnedToAHostKey() {
        HostAddress address = new HostAddress("host1", "10.0.0.1", 22, "root", null);

        assertThat(address.pinned("SHA256:abc"))
                .isEqualTo(new HostAddress("host1", "10.0.0.1", 22, "root", "SHA256:abc"))
                .hasToString("host1 (10.0.0.1)");
    }
}
