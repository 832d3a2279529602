package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class NearestMatchTest {
    private static final List<String> KNOWN = List.of("listen", "database", "ssh_user", "ssh_port", "ssh_key", "zone");

    @ParameterizedTest
    @CsvSource({
        "lisen, listen",
        "listne, listen",
        "LISTEN, listen",
        "data_base, database",
        "ssh_pot, ssh_port",
        "sshkey, ssh_key",
        "zones, zone",
        "zoen, zone"
    })
    void isTheWordThatWasMeant(String word, String meant) {
        assertThat(NearestMatch.of(word, KNOWN)).contains(meant);
    }

    @Test
    void isNoneWhereNoneIsNear() {
        assertThat(NearestMatch.of("memory_maximum", KNOWN)).isEmpty();
        assertThat(NearestMatch.hint("memory_maximum", KNOWN)).startsWith("known are database, listen");
    }
}
