package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import picocli.CommandLine;
import picocli.CommandLine.Model.ArgSpec;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;
import picocli.CommandLine.Model.PositionalParamSpec;

/** The man page says what the commands say of themselves; {@code -Dkloigos.approveManPage} writes it anew. */
class ManPageTest {
    private static final Path PAGE = Path.of("..", "docs", "kloigos.1");

    @Test
    void isWhatTheCommandsSay() throws IOException {
        String page = page(KloigosCommand.commandLine());
        if (System.getProperty("kloigos.approveManPage") != null) {
            Files.writeString(PAGE, page);
        }
        assertThat(page).contains(".SS \"kloigos unit ssh", "force\\-release");
        assertThat(PAGE)
                .as("man page; if the commands are meant to change: -Dkloigos.approveManPage")
                .hasContent(page);
    }

    /** Returns the page in the macros of man(7). */
    private static String page(CommandLine root) {
        List<String> lines = new ArrayList<>(List.of(
                ".TH KLOIGOS 1",
                ".SH NAME",
                "kloigos \\- " + text(root.getCommandSpec().usageMessage().description()),
                ".SH SYNOPSIS",
                ".B kloigos",
                ".I command",
                "[options]",
                ".SH COMMANDS"));
        leaves(root).forEach(leaf -> addCommand(lines, leaf.getCommandSpec()));
        lines.addAll(List.of(".SH EXIT STATUS"));
        for (ExitStatus status : ExitStatus.values()) {
            lines.add(".TP");
            lines.add(".B " + status.number());
            lines.add(escaped(status.name().toLowerCase(java.util.Locale.ROOT).replace('_', ' ')));
        }
        lines.addAll(List.of(
                ".SH FILES",
                ".TP",
                ".I ~/.config/kloigos/config.yaml",
                "Profiles: servers with their tokens.",
                ".SH SEE ALSO",
                "docs/command\\-line.md, ssh(1)"));
        return String.join("\n", lines) + "\n";
    }

    private static Stream<CommandLine> leaves(CommandLine command) {
        return command.getSubcommands().isEmpty()
                ? Stream.of(command)
                : command.getSubcommands().values().stream().flatMap(ManPageTest::leaves);
    }

    private static void addCommand(List<String> lines, CommandSpec command) {
        String operands = command.positionalParameters().stream()
                .map(PositionalParamSpec::paramLabel)
                .collect(Collectors.joining(" "));
        lines.add(".SS \"" + escaped((command.qualifiedName() + " " + operands).strip()) + "\"");
        lines.add(text(command.usageMessage().description()));
        command.positionalParameters().forEach(operand -> add(lines, ".I " + escaped(operand.paramLabel()), operand));
        for (OptionSpec option : command.options()) {
            String names = String.join(", ", option.names());
            String value = option.arity().max() == 0 ? "" : " " + option.paramLabel();
            add(lines, ".B " + escaped(names + value), option);
        }
    }

    private static void add(List<String> lines, String head, ArgSpec argument) {
        lines.add(".TP");
        lines.add(head);
        lines.add(text(argument.description()));
    }

    private static String text(String[] description) {
        return escaped(String.join(" ", description).formatted());
    }

    private static String escaped(String text) {
        String escaped = text.replace("\\", "\\e").replace("-", "\\-").replace("\"", "\\(dq");
        return escaped.startsWith(".") || escaped.startsWith("'") ? "\\&" + escaped : escaped;
    }
}
