package io.kloigos.rules;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleHost;
import io.kloigos.model.Capability;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Warning;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
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
    void ioUringIsNamedOnlyWhereItIsNotRefused() {
        assertThat(ioUring(SampleHost.debian().without("setting")).orElseThrow())
                .contains("6.1.0-56-cloud-amd64 cannot refuse it");
        assertThat(ioUring(SampleHost.debian()
                        .with("setting", "kernel.io_uring_disabled\t0", "kernel.io_uring_group\t-1")))
                .isEmpty();
        assertThat(ioUring(SampleHost.debian()
                                .with("setting", "kernel.io_uring_disabled\t1", "kernel.io_uring_group\t990"))
                        .orElseThrow())
                .contains("kernel.io_uring_group lets the members of group 990");
    }

    private static Optional<String> ioUring(SampleHost host) {
        return message(host, "io_uring_pollers");
    }

    private static Optional<String> message(SampleHost host, String type) {
        return KnownLimits.of(host.facts(), PortEnforcement.NFTABLES).stream()
                .filter(limit -> limit.type().equals(type))
                .map(Warning::message)
                .findFirst();
    }

    @Test
    void processesAreSaidToBeHiddenWhereProcHidesThem() {
        assertThat(message(SampleHost.debian(), "processes_visible").orElseThrow())
                .contains("arguments of everybody's processes");
        assertThat(message(SampleHost.debian().with("setting", "proc.hidepid\tinvisible"), "processes_visible")
                        .orElseThrow())
                .doesNotContain("arguments")
                .contains("which services everybody runs");
    }

    @Test
    void aMailTransferAgentIsNamed() {
        assertThat(message(SampleHost.debian(), "mail_delivery")).isEmpty();
        assertThat(message(SampleHost.debian().with("mailer", "exim4.service"), "mail_delivery")
                        .orElseThrow())
                .contains("exim4.service", "~/.forward");
    }

    @Test
    void newFactsReplaceWhatFollowedFromTheOldOnesAndNothingElse() {
        Warning other = new Warning("no_cron", "the host has no cron daemon");
        List<Warning> before = new ArrayList<>(List.of(other));
        before.addAll(KnownLimits.of(
                SampleHost.debian().with("mailer", "exim4.service").facts(), PortEnforcement.NFTABLES));

        List<Warning> after = KnownLimits.refreshed(before, SampleHost.debian().facts(), PortEnforcement.SOCKET_BIND);

        assertThat(after).first().isEqualTo(other);
        assertThat(after.subList(1, after.size()))
                .isEqualTo(KnownLimits.of(SampleHost.debian().facts(), PortEnforcement.SOCKET_BIND));
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
