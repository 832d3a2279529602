package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class PortRangeTest {
    @Test
    void endsBeforeItsEnd() {
        PortRange range = PortRange.parse("2000-2200");

        assertThat(range.last()).isEqualTo(2199);
        assertThat(range.closed()).isEqualTo("2000-2199");
        assertThat(range.contains(1999)).isFalse();
        assertThat(range.contains(2000)).isTrue();
        assertThat(range.contains(2199)).isTrue();
        assertThat(range.contains(2200)).isFalse();
    }

    @ParameterizedTest
    @ValueSource(strings = {"1-2", "2000-2200", "65535-65536", "1-65536"})
    void readsBackWhatItPrints(String text) {
        assertThat(PortRange.parse(text)).hasToString(text);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "2000",
                "2000-",
                "0-10",
                "2200-2000",
                "2000-2000",
                "2000-65537",
                "-1-5",
                "2000-2200 ",
                "a-b",
                "100000-200000",
                "2000:2200"
            })
    void refusesAnythingElse(String text) {
        assertThatThrownBy(() -> PortRange.parse(text)).isInstanceOfSatisfying(KloigosException.class, refusal -> {
            assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            assertThat(refusal.faults()).extracting(Fault::type).containsExactly("port_range");
        });
    }

    @Test
    void neighboursShareNoPort() {
        PortRange range = new PortRange(2000, 2200);

        assertThat(range.intersects(new PortRange(2200, 2400))).isFalse();
        assertThat(range.intersects(new PortRange(1800, 2000))).isFalse();
        assertThat(range.intersects(new PortRange(2199, 2201))).isTrue();
        assertThat(range.intersects(new PortRange(2050, 2060))).isTrue();
        assertThat(range.intersects(new PortRange(1, 65536))).isTrue();
    }

    @Test
    void ordersByPort() {
        assertThat(List.of(new PortRange(3, 5), new PortRange(3, 4), new PortRange(1, 9)).stream()
                        .sorted())
                .containsExactly(new PortRange(1, 9), new PortRange(3, 4), new PortRange(3, 5));
    }
}
