package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class FaultTest {
    @Test
    void saysWhereItIs() {
        assertThat(Fault.of("t", "is odd", "limits", "io", 1, "device")).hasToString("limits.io[1].device: is odd");
        assertThat(Fault.of("t", "is odd")).hasToString("is odd");
        assertThat(Fault.of("t", "is odd", 0).under("cpu_ranges")).hasToString("cpu_ranges[0]: is odd");
    }

    @Test
    void ofAPartIsCollectedUnderThePartsPlace() {
        Faults faults = new Faults();

        assertThat(faults.attempt(() -> CpuSet.parse("0-3"), "cpu_ranges", 0)).contains(CpuSet.range(0, 3));
        assertThat(faults.attempt(() -> CpuSet.parse("x"), "cpu_ranges", 1)).isEmpty();
        assertThat(faults.found())
                .singleElement()
                .satisfies(fault -> assertThat(fault.path()).containsExactly("cpu_ranges", 1));
    }

    @Test
    void otherErrorsAreNotTakenForFaultsOfTheRequest() {
        Faults faults = new Faults();
        KloigosException other = new KloigosException(ErrorCode.STORE_FAILED, "disk full");

        assertThatThrownBy(() -> faults.attempt(() -> {
                    throw other;
                }))
                .isSameAs(other);
    }

    @Test
    void severalMakeOneMessage() {
        Faults faults = new Faults();
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot init");
        faults.add("a", "first", "x");
        faults.add("b", "second", "y", 2);

        assertThatThrownBy(() -> faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot init"))
                .hasMessage("Cannot init: x: first; y[2]: second");
    }
}
