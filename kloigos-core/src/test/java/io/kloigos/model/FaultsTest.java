package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import org.junit.jupiter.api.Test;

/** Whoever sends nonsense without end is not answered without end. */
class FaultsTest {
    @Test
    void ofVeryManyFaultsTheFirstAreToldAndHowManyThereAreBesides() {
        Faults inner = new Faults();
        for (int i = 0; i < 130; i++) {
            inner.add("wrong", "is wrong", i);
        }
        Faults faults = new Faults();
        faults.add("missing", "is missing", "name");
        faults.attempt(
                () -> {
                    inner.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot read the list");
                    return inner;
                },
                "list");

        KloigosException refusal = catchThrowableOfType(
                KloigosException.class, () -> faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot do this"));
        assertThat(refusal.faults()).hasSize(101);
        assertThat(refusal.faults().get(1)).hasToString("list[0]: is wrong");
        assertThat(refusal.faults().get(100).type()).isEqualTo("more_faults");
    }
}
