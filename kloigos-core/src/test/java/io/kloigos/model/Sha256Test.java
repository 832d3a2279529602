package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import org.junit.jupiter.api.Test;

class Sha256Test {
    /** The one-block example that NIST publishes for FIPS 180. */
    @Test
    void isWhatTheStandardSays() {
        assertThat(Sha256.of("abc").hex())
                .isEqualTo("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    }

    @Test
    void textsAreInUtf8() {
        assertThat(Sha256.of("\u00e9")).isEqualTo(Sha256.of(new byte[] {(byte) 0xc3, (byte) 0xa9}));
    }

    @Test
    void fingerprintsAreAsSshKeygenPrintsThem() {
        assertThat(Sha256.of("").fingerprint()).isEqualTo("SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU");
    }

    @Test
    void anotherTextIsNoDigest() {
        assertThatThrownBy(() -> new Sha256("BA78")).hasMessageContaining("no SHA-256 digest");
    }
}
