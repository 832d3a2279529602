package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class UnitPlaceTest {
    @Test
    void parsesWhatItPrints() {
        UnitPlace place = new UnitPlace("host1.example", 20003);
        assertThat(place).hasToString("host1.example:20003");
        assertThat(UnitPlace.parse(place.toString())).isEqualTo(place);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {"", "host1", "host1:", ":20000", "host1:-1", "host1:20000:1", "host1:9999999999", "Host 1:20000"
            })
    void refusesEverythingElse(String text) {
        assertThatThrownBy(() -> UnitPlace.parse(text)).isInstanceOf(KloigosException.class);
    }
}
