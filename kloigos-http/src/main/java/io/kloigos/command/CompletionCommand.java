package io.kloigos.command;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Spec;

/** Prints what a shell needs to complete command lines. */
@Command(
        name = "completion",
        description = "Prints a script for bash and zsh that completes command lines: source <(kloigos completion)",
        mixinStandardHelpOptions = true,
        versionProvider = KloigosCommand.Version.class)
final class CompletionCommand implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        CommandSpec own = Objects.requireNonNull(spec);
        own.commandLine().getOut().print(AutoComplete.bash("kloigos", own.root().commandLine()));
        own.commandLine().getOut().flush();
    }
}
