package io.kloigos.http;

import static org.assertj.core.api.Assertions.assertThat;

import io.kloigos.model.Warning;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

class WarningHeaderTest {
    @Test
    void aMessageIsOneLineOfAsciiInQuotes() {
        assertThat(WarningHeader.values(List.of(new Warning("ssh_allow", "sshd says \"AllowUsers é\\x\"\r\nX: y"))))
                .containsExactly("ssh_allow;message=\"sshd says \\\"AllowUsers ?\\\\x\\\"??X: y\"");
    }

    @Test
    void ofManyTheLastSaysHowManyThereAreMore() {
        List<String> values = WarningHeader.values(IntStream.range(0, 64)
                .mapToObj(unit -> new Warning("core_split", "x".repeat(1000)))
                .toList());

        assertThat(String.join("", values)).hasSizeLessThan(4100);
        assertThat(values)
                .hasSizeGreaterThan(10)
                .allSatisfy(value -> assertThat(value).hasSizeLessThan(300));
        assertThat(values.get(values.size() - 1))
                .isEqualTo("more_warnings;message=\"" + (64 - values.size() + 1)
                        + " more are among those of the server\"");
    }
}
