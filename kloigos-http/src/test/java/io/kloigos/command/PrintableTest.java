package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** What a tenant wrote moves no cursor and makes no line of its own on an operator's terminal. */
class PrintableTest {
    @Test
    void controlCharactersAreSpelledOut() {
        assertThat(Printable.line("web\u001b[2J\r\nu4-7 free\u009b"))
                .isEqualTo("web\\u001b[2J\\u000d\\u000au4-7 free\\u009b");
        assertThat(Printable.text("two\nlines\u0007")).isEqualTo("two\nlines\\u0007");
        assertThat(Printable.line("naïve, 日本")).isEqualTo("naïve, 日本");
    }
}
