package io.kloigos.driver.ssh;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

class ShellQuotingTest {
    private static final List<String> NASTY = List.of(
            "",
            " ",
            "plain",
            "/a/b.c:d@e%f+g,h-i",
            "it's",
            "'",
            "''",
            "'\\''",
            "\"double\"",
            "\\",
            "\\\\n",
            "$HOME",
            "${x:-y}",
            "$(touch /tmp/owned)",
            "`id`",
            "a;b&c|d<e>f(g)h{i}j",
            "*?[a-z]~!#",
            "#comment",
            "-n",
            "--",
            "=",
            "a=b",
            "line\nbreak",
            "\n",
            "\n\n",
            "\ttab\t",
            "carriage\rreturn",
            "bell\u0007escape\u001b[31m",
            "ümlaut €uro \uD83D\uDE80",
            "\u2028\u00a0\ufeff",
            "EOF\nEOF\n",
            "%s%n%d",
            "!!");

    @Test
    void everyTextComesThroughARealShell() throws Exception {
        List<String> texts = new ArrayList<>(NASTY);
        long seed = System.nanoTime();
        Random random = new Random(seed);
        String alphabet = "ab '\"\\$`\n\t;&|<>(){}[]*?~!#=%-\u00e9\u20ac";
        for (int i = 0; i < 300; i++) {
            StringBuilder text = new StringBuilder();
            for (int length = random.nextInt(12); length > 0; length--) {
                text.append(alphabet.charAt(random.nextInt(alphabet.length())));
            }
            texts.add(text.toString());
        }
        String program = "printf '%s\\0' " + ShellQuoting.command(texts) + "\n";

        Process shell = new ProcessBuilder("/bin/sh", "-s").start();
        shell.getOutputStream().write(program.getBytes(StandardCharsets.UTF_8));
        shell.getOutputStream().close();
        String out = new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8);

        assertThat(out).as("seed %d", seed).isEqualTo(String.join("\0", texts) + "\0");
    }

    @Test
    void quotingTwiceTakesTwoShellsToUndo() throws Exception {
        String text = "it's $(two)\nshells";
        Process shell = new ProcessBuilder(
                        "/bin/sh", "-c", "eval printf %s " + ShellQuoting.quote(ShellQuoting.quote(text)))
                .start();
        assertThat(new String(shell.getInputStream().readAllBytes(), StandardCharsets.UTF_8))
                .isEqualTo(text);
    }

    @Test
    void whatNoWordCanHoldIsRefused() {
        assertThatIllegalArgumentException().isThrownBy(() -> ShellQuoting.quote("a\0b"));
        assertThatIllegalArgumentException().isThrownBy(() -> ShellQuoting.quote("half \uD83D"));
    }
}
