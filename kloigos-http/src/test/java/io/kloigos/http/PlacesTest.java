package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.Tenant;
import org.junit.jupiter.api.Test;

/** A tenant whose requests all wait keeps nobody else from being answered. */
class PlacesTest {
    private static final Tenant ONE = new Tenant("one");

    private final Places<Tenant> places = new Places<>(2);

    @Test
    void eachHasSoManyAndGetsThemBack() {
        assertThat(places.take(ONE)).isTrue();
        assertThat(places.take(ONE)).isTrue();
        assertThat(places.take(ONE)).isFalse();
        assertThat(places.take(new Tenant("other"))).isTrue();

        places.giveBack(ONE);
        assertThat(places.take(ONE)).isTrue();
        assertThat(places.take(ONE)).isFalse();
    }
}
