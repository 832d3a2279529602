package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleHost;
import io.kloigos.model.Capability;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Warning;
import org.junit.jupiter.api.Test;

class KnownLimitsTest {
    @Test
    void portsCanBeBoundWhereOnlyNftablesEnforcesThem() {
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.NFTABLES))
                .extracting(Warning::type)
                .contains("port_squatting", "host_port_squatting", "udp_receipt", "udp_theft");
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.SOCKET_BIND))
                .extracting(Warning::type)
                .doesNotContain("port_squatting", "host_port_squatting", "udp_receipt", "udp_theft");
    }

    @Test
    void whereOnlyPortsOfOtherUnitsAreRefusedTheHostsOwnCanBeBound() {
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.SOCKET_BIND_RANGES))
                .extracting(Warning::type)
                .contains("host_port_squatting", "udp_receipt")
                .doesNotContain("port_squatting", "udp_theft");
    }

    @Test
    void eachHasATypeOfItsOwn() {
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.NFTABLES))
                .extracting(Warning::type)
                .doesNotHaveDuplicates();
    }

    @Test
    void saysWhatWouldRefuseAForeignBind() {
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.NFTABLES))
                .filteredOn(limit -> limit.type().equals("port_squatting"))
                .singleElement()
                .satisfies(limit -> assertThat(limit.message()).contains("socket_bind_ranges"));
        assertThat(KnownLimits.of(
                        SampleHost.debian().without(Capability.SYSTEMD_BPF).facts(), PortEnforcement.NFTABLES))
                .filteredOn(limit -> limit.type().equals("port_squatting"))
                .singleElement()
                .satisfies(limit -> assertThat(limit.message()).contains("built without BPF"));
    }
}
