package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.fixture.SampleHost;
import io.kloigos.model.HostFacts;
import java.util.List;
import org.junit.jupiter.api.Test;

class FactsProbeTest {
    private static final String PROC = "proc /proc proc rw,nosuid,nodev,noexec,relatime";
    private static final HostFacts DEBIAN_13 = SampleHost.debian()
            .with(
                    "setting",
                    "kernel.io_uring_disabled\t0",
                    "kernel.io_uring_group\t-1",
                    "fs.mqueue.queues_max\t256",
                    "proc.hidepid\toff")
            .facts();

    /** What the host answers, in the order of the questions. */
    private static HostFacts updated(
            HostFacts facts, String disabled, String group, String queues, String proc, String entries) {
        assertThat(FactsProbe.readings()).hasSize(5);
        return FactsProbe.update(facts, List.of(disabled, group, queues, proc, entries));
    }

    @Test
    void whatKloigosHasSetStaysAsItWasBefore() {
        HostFacts facts = updated(DEBIAN_13, "1", "-1", "16777216", PROC + " 0 0", "");

        assertThat(facts).isEqualTo(DEBIAN_13);
    }

    @Test
    void anotherKernelHasOtherSettings() {
        HostFacts older = updated(DEBIAN_13, "absent", "absent", "16777216", "absent", "");

        assertThat(older.settings()).containsOnlyKeys("fs.mqueue.queues_max", "proc.hidepid");
        assertThat(updated(older, "0", "-1", "16777216", PROC + " 0 0", "")).isEqualTo(DEBIAN_13);
    }

    @Test
    void tellsWhoMayUseIoUringAndWhatProcHides() {
        HostFacts facts = updated(DEBIAN_13, "1", "990", "16777216", PROC + ",hidepid=invisible 0 0", "");

        assertThat(facts.setting("kernel.io_uring_group")).contains("990");
        assertThat(facts.setting("proc.hidepid")).contains("invisible");
    }

    @Test
    void tellsTheMailTransferAgentsThatRunAndElseThatThereIsOne() {
        String sendmail = "777 0:0 /usr/sbin/sendmail";
        String postfix = "755 0:0 /sys/fs/cgroup/system.slice/system-postfix.slice/postfix@-.service";

        assertThat(updated(DEBIAN_13, "1", "-1", "16777216", PROC, sendmail).mailers())
                .containsExactly("sendmail");
        assertThat(updated(DEBIAN_13, "1", "-1", "16777216", PROC, postfix + "\n" + sendmail)
                        .mailers())
                .containsExactly("postfix@-.service");
    }
}
