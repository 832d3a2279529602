package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleHost;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Warning;
import org.junit.jupiter.api.Test;

class KnownLimitsTest {
    @Test
    void portsCanBeBoundWhereOnlyNftablesEnforcesThem() {
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.NFTABLES))
                .extracting(Warning::type)
                .contains("port_squatting", "udp_receipt");
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.SOCKET_BIND))
                .extracting(Warning::type)
                .doesNotContain("port_squatting", "udp_receipt", "udp_theft");
    }

    @Test
    void eachHasATypeOfItsOwn() {
        assertThat(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.NFTABLES))
                .extracting(Warning::type)
                .doesNotHaveDuplicates();
    }
}
