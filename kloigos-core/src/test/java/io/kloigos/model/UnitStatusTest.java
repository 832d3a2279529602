package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.EnumSet;
import java.util.Locale;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

class UnitStatusTest {
    private static Set<UnitStatus> reachableFrom(UnitStatus start) {
        Set<UnitStatus> reached = EnumSet.of(start);
        Deque<UnitStatus> open = new ArrayDeque<>(reached);
        while (!open.isEmpty()) {
            for (UnitStatus next : open.pop().next()) {
                if (reached.add(next)) {
                    open.push(next);
                }
            }
        }
        return reached;
    }

    @Test
    void aNewUnitCanComeIntoEveryStatus() {
        assertThat(reachableFrom(UnitStatus.INITIALIZING)).containsExactly(UnitStatus.values());
    }

    @ParameterizedTest
    @EnumSource
    void noStatusIsTheEnd(UnitStatus status) {
        assertThat(reachableFrom(status)).contains(UnitStatus.FREE);
    }

    @ParameterizedTest
    @EnumSource
    void onlyAFreeUnitIsHandedOutOrOneWhoseTenantIsStillWaiting(UnitStatus status) {
        assertThat(status.mayBecome(UnitStatus.ALLOCATING))
                .isEqualTo(status == UnitStatus.FREE || status == UnitStatus.ALLOCATION_FAIL);
        assertThat(status.mayBecome(UnitStatus.ALLOCATED)).isEqualTo(status == UnitStatus.ALLOCATING);
    }

    @ParameterizedTest
    @EnumSource
    void aUnitWithATenantIsCleanedBeforeItIsFree(UnitStatus status) {
        if (status.holdsTenant()) {
            assertThat(status.mayBecome(UnitStatus.FREE)).isEqualTo(status == UnitStatus.DEALLOCATING);
            assertThat(status.mayBecome(UnitStatus.UNAVAILABLE)).isFalse();
        }
    }

    @ParameterizedTest
    @EnumSource
    void isReadInAnyCaseAndPrintedInLowerCase(UnitStatus status) {
        assertThat(status.toString()).isEqualTo(status.name().toLowerCase(Locale.ROOT));
        assertThat(UnitStatus.parse(status.toString())).isEqualTo(status);
        assertThat(UnitStatus.parse(status.name())).isEqualTo(status);
    }

    @Test
    void anUnknownWordIsAnsweredWithThoseThereAre() {
        assertThatThrownBy(() -> UnitStatus.parse("busy"))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("\"busy\"")
                .hasMessageContaining("allocation_fail");
    }
}
