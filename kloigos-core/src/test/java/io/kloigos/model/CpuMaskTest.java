package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class CpuMaskTest {
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "3                 | 0-1",
                "0001              | 0",
                "f,ffffffff        | 0-35",
                "80000000,00000000 | 63",
                "00ff,00000000,0000000f | 0-3,64-71",
                "00                | ''"
            })
    void readsAndPrintsWhatTheKernelPrints(String text, String cpus) {
        CpuMask mask = CpuMask.parse(text);

        assertThat(mask.cpus()).hasToString(cpus);
        assertThat(mask).hasToString(text);
    }

    @Test
    void isAsWideForOtherCpus() {
        assertThat(CpuMask.parse("ffff,ffffffff").of(CpuSet.parse("0-1"))).hasToString("0000,00000003");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "g", "FF", "f,fff", "123456789", ",ffffffff", "ff,"})
    void refusesOtherTexts(String text) {
        assertThatThrownBy(() -> CpuMask.parse(text)).isInstanceOf(KloigosException.class);
    }

    @Test
    void refusesCpusThatItCannotHold() {
        assertThatThrownBy(() -> CpuMask.parse("f").of(CpuSet.parse("4"))).isInstanceOf(KloigosException.class);
    }
}
