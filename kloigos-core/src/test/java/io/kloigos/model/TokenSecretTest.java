package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.security.SecureRandom;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class TokenSecretTest {
    @Test
    void readsWhatItShowsAndPrintsWithoutTheSecret() {
        byte[] bytes = new byte[TokenSecret.BYTES];
        new SecureRandom().nextBytes(bytes);
        TokenSecret secret = TokenSecret.of(bytes);

        assertThat(secret.text()).matches("kloigos_[0-9a-f]{16}_[A-Za-z0-9_-]{43}");
        assertThat(TokenSecret.parse(secret.text())).contains(secret);
        assertThat(secret).asString().isEqualTo("kloigos_" + secret.id() + "_...");
        assertThat(secret.hash()).hasSize(64).doesNotContain(secret.random());
        assertThat(secret.matches(secret.hash())).isTrue();
        assertThat(secret.matches("0".repeat(64))).isFalse();
    }

    @Test
    void isMadeOf320RandomBits() {
        assertThatThrownBy(() -> TokenSecret.of(new byte[39])).isInstanceOf(IllegalArgumentException.class);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "kloigos_",
                "kloigos_0123456789abcdef_short",
                "Kloigos_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "kloigos_0123456789ABCDEF_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                "kloigos_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA",
                " kloigos_0123456789abcdef_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            })
    void nothingElseIsASecret(String text) {
        assertThat(TokenSecret.parse(text)).isEmpty();
    }
}
