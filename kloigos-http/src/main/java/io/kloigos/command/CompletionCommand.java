package io.kloigos.command;

import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.AutoComplete;
import picocli.CommandLine;
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
        own.commandLine().getOut().print(AutoComplete.bash("kloigos", completed(own.commandLine())));
        own.commandLine().getOut().flush();
    }

    /** Returns all commands, with those below {@code plan} of which it shows the plan. */
    private static CommandLine completed(CommandLine own) {
        CommandLine all = KloigosCommand.commandLine(KloigosCommand.surroundings(own));
        CommandLine plan = Objects.requireNonNull(all.getSubcommands().get(KloigosCommand.PLAN));
        KloigosCommand.commandLine(KloigosCommand.surroundings(own))
                .getSubcommands()
                .forEach((word, group) -> {
                    CommandLine planned = new CommandLine(CommandSpec.create());
                    group.getSubcommands().forEach((name, leaf) -> {
                        if (leaf.getCommandSpec().optionsMap().containsKey(ChangeCommand.DRY_RUN)) {
                            planned.addSubcommand(name, leaf);
                        }
                    });
                    if (!planned.getSubcommands().isEmpty()) {
                        plan.addSubcommand(word, planned);
                    }
                });
        return all;
    }
}
