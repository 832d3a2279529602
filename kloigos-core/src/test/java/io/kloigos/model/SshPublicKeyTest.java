package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class SshPublicKeyTest {
    // Made by ssh-keygen of OpenSSH 9.2; the two of security keys are put together from these and read by ssh-keygen
    // -l.
    private static final String ED25519 =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIEmAbd61yYGAoH5TTPoq78VBwwYQ6lBz5QRrDOQTuSIL tenant@laptop";
    private static final String ECDSA_256 =
            "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBI+Hl4plrGUbsB3gV28jhIvfJqPl"
                    + "p/ZpTNtAACaunCsLMWnVX5eviIVRv6k2YqBOVYydLEV/WNHO6gsUHicNPbM= c";
    private static final String ECDSA_384 =
            "ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQAAABhBOzWUDXJaBEEwex2PQlBqdhvBLSj"
                    + "r13oFM69TgG1eLq2ZdlgPgwkphopq4o1WrFy+UwA9qEbxoi/7SV29HeA1KOUZjDO7jDoJx60KTtkSNx3GYvQXvd3/fj4+DnQCVTR"
                    + "NA== c";
    private static final String ECDSA_521 =
            "ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEAAACFBAHyTfYlIPCzzsekgABkJZiOZuxW"
                    + "iUsrUUiF/skQn790NrvX3YouHxfWl2/eT9U0jK/vAuQsrDxsTh6B73fcwXbxiAG+FGPbPMDr7WzyT7lINR3KeYRXz+H2O7gS8757"
                    + "Uh0g+ZalncAW5hRUr66qzW2B94pC5mQ9nvcPy/eFjgkkjX1T3w== c";
    private static final String RSA_2048 =
            "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQDTqPZJdEWaRsD5y4yZvqyxLmgx9VLuXiYMxa5lKqDzVNuHMVzHalyl0NggUEBM"
                    + "i4awCK9KP1K9TG9ggU9nu77Xw1B7tJhf301m8+fiIl+TdhI1An4njYx8NMgQCB6x0OlL6Dz6FGXza9JOUdCxYSngOTrAr2oqjaCu"
                    + "v4Z24Xtd0qhNjSR3aFL3emjmbzlslXcUfK51Di//6AeESUVlerTHs2Sbkv1Db7vONjjvwMGi6aUq37ccGo0MqffVM8INTmpIwkCB"
                    + "uOheu0aLpEUesoKYVX3GVB36bVepyzWbm0svo9cvnR4VZjOeuZMoIwi+LuppEozzqeHnsvWlcua2IXSX c";
    private static final String DSA =
            "ssh-dss AAAAB3NzaC1kc3MAAACBAMcv5Ou9TXcYWIDPMxQUg3iMVbnT+iU/an1+lmfLUAfgO6A9iZiEYvHEL3Eq6bVr+RNZc556"
                    + "raKap/dbWcFu/0dFyOg8ItZt/gIwqnpuZ06tglPj+CkADPNbatppZGhzYaG85NTgHAFkwDIJQo1Sb0oXsIqDQvaqQ9RWoyhEMLgH"
                    + "AAAAFQCBQFPxZ92UcSf/Er20ZiwSx/lbcQAAAIAQbN4GkVcjsTWLc2VmkFH8gyTLJxeft+/kIZtqN2NSizCKOlBXXuAkPd4a8Vbc"
                    + "NhSd2k/wQZ+wK/w8kmwnIFBVX4hj9TSNZ/zGbBVg19O5HFxXcP38Bgfm25EqyU7YUuiJTFvvSb/E/sA3yiV6B49tMnu1ggo15+y/"
                    + "ZfeTdXcwwQAAAIA2ijeeh3B6SSXJe1M9fGTXVKN/oxPQ4w+m5X3Ly3cnf5uLrLoml/Zz4r0w18b7pBbU+TNARWlETcLDAyba2BHs"
                    + "hd4ZADk4jX4gZdQEVjxjzStSkhD1mQEiULxqgEiqEHja4/CXXuMlWpEo/urTu2td7Z4GNeVj4nz8bOP0SbTEag== c";
    private static final String SK_ED25519 =
            "sk-ssh-ed25519@openssh.com AAAAGnNrLXNzaC1lZDI1NTE5QG9wZW5zc2guY29tAAAAIEmAbd61yYGAoH5TTPoq78VBwwYQ6"
                    + "lBz5QRrDOQTuSILAAAABHNzaDo= token";
    private static final String SK_ECDSA =
            "sk-ecdsa-sha2-nistp256@openssh.com AAAAInNrLWVjZHNhLXNoYTItbmlzdHAyNTZAb3BlbnNzaC5jb20AAAAIbmlzdHAyN"
                    + "TYAAABBBI+Hl4plrGUbsB3gV28jhIvfJqPlp/ZpTNtAACaunCsLMWnVX5eviIVRv6k2YqBOVYydLEV/WNHO6gsUHicNPbMAAAAEc"
                    + "3NoOg== token";

    static Stream<String> keys() {
        return Stream.of(ED25519, ECDSA_256, ECDSA_384, ECDSA_521, RSA_2048, SK_ED25519, SK_ECDSA);
    }

    @ParameterizedTest
    @MethodSource("keys")
    void takesEveryTypeThatSshKeygenMakes(String line) {
        assertThat(new SshPublicKey(line)).hasToString(line);
        assertThat(new SshPublicKey(body(line))).as("without a comment").hasToString(body(line));
    }

    @Test
    void takesAFileAsItIsRead() {
        assertThat(new SshPublicKey(ED25519 + "\n").line()).isEqualTo(ED25519);
        assertThat(new SshPublicKey("  " + ED25519 + "\r\n").line()).isEqualTo(ED25519);
    }

    @Test
    void keepsACommentWithBlanksAndLetters() {
        assertThat(new SshPublicKey(body(ED25519) + " Jürgen's laptop, 2nd").line())
                .endsWith(" Jürgen's laptop, 2nd");
    }

    @ParameterizedTest
    @MethodSource("keys")
    void noticesWhenTheBodyIsCutShort(String line) {
        String whole = body(line);
        int start = whole.indexOf(' ') + 1;
        for (int end = start; end < whole.length(); end++) {
            String cut = whole.substring(0, end);
            String unpadded = whole.replaceAll("=+$", "");
            if (!cut.equals(unpadded) && !whole.equals(cut + "=")) {
                assertThatThrownBy(() -> new SshPublicKey(cut)).as(cut).isInstanceOf(KloigosException.class);
            }
        }
    }

    @ParameterizedTest
    @MethodSource("keys")
    void noticesWhenSomethingIsAddedToTheBody(String line) {
        String whole = body(line).replaceAll("=+$", "");
        String doubled = whole + whole.substring(whole.indexOf(' ') + 1);

        assertThatThrownBy(() -> new SshPublicKey(doubled)).isInstanceOf(KloigosException.class);
    }

    @ParameterizedTest
    @ValueSource(strings = {"\n", "\r", "\r\n", "\u0000", "\t", "\u0085", "\u2028", "\u2029", "\u007f", "\u000b"})
    void refusesASecondLine(String separator) {
        assertThatThrownBy(() -> new SshPublicKey(ED25519 + separator + ECDSA_256))
                .isInstanceOfSatisfying(KloigosException.class, refusal -> {
                    assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
                    assertThat(refusal.faults()).extracting(Fault::type).containsExactly("ssh_public_key");
                });
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "command=\"/bin/sh\" ",
                "restrict ",
                "no-pty,command=\"x y\" ",
                "from=\"*\" ",
                "cert-authority ",
                "# ",
                "@revoked "
            })
    void refusesOptionsBeforeTheType(String options) {
        assertThatThrownBy(() -> new SshPublicKey(options + ED25519)).isInstanceOf(KloigosException.class);
    }

    @Test
    void refusesTypesThatSshdNoLongerAcceptsAndNamesThoseItDoes() {
        assertThatThrownBy(() -> new SshPublicKey(DSA))
                .hasMessageContaining("ssh-ed25519")
                .hasMessageContaining("ssh-rsa");
    }

    @Test
    void refusesABodyOfAnotherType() {
        String body = body(ECDSA_256).substring(body(ECDSA_256).indexOf(' '));

        assertThatThrownBy(() -> new SshPublicKey("ecdsa-sha2-nistp384" + body))
                .hasMessageContaining("copy the line again");
        assertThatThrownBy(() -> new SshPublicKey("ssh-ed25519" + body)).hasMessageContaining("copy the line again");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "ssh-ed25519",
                "ssh-ed25519 ",
                "ssh-ed25519 AAAA",
                "ssh-ed25519 not*base64",
                "AAAAC3NzaC1lZDI1NTE5AAAAIEmAbd61yYGAoH5TTPoq78VBwwYQ6lBz5QRrDOQTuSIL",
                "-----BEGIN OPENSSH PRIVATE KEY-----",
                "ssh-ed25519 ////////////////////////////////////////////////////////////////////"
            })
    void refusesWhatIsNoPublicKey(String text) {
        assertThatThrownBy(() -> new SshPublicKey(text)).isInstanceOf(KloigosException.class);
    }

    @Test
    void refusesAHugeKeyWithoutRepeatingIt() {
        assertThatThrownBy(() -> new SshPublicKey(ED25519 + " " + "x".repeat(100_000)))
                .isInstanceOf(KloigosException.class)
                .satisfies(refusal -> assertThat(refusal.getMessage()).hasSizeLessThan(200));
    }

    /** Type and base64 body. */
    private static String body(String line) {
        return line.substring(0, line.lastIndexOf(' '));
    }
}
