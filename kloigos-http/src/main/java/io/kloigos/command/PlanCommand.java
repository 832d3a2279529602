package io.kloigos.command;

import io.kloigos.http.NearestMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Shows what another command would do. */
@Command(
        name = "plan",
        description = {
            "Shows what a command would do on hosts, step by step, and does nothing.",
            "For example: kloigos plan unit allocate --cpus 4. It is the same as that command with --dry-run."
        },
        mixinStandardHelpOptions = true,
        versionProvider = KloigosCommand.Version.class)
final class PlanCommand implements Callable<Integer> {
    @Parameters(arity = "1..*", paramLabel = "COMMAND", description = "The command, without \"kloigos\".")
    private List<String> command = new ArrayList<>();

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() {
        CommandLine own = Objects.requireNonNull(spec).commandLine();
        CommandLine leaf = own.getParent();
        for (String word : command) {
            CommandLine next = leaf.getSubcommands().get(word);
            if (next == null) {
                requireNoneMissing(own, leaf, word);
                break;
            }
            leaf = next;
        }
        String name = String.join(" ", command);
        if (!leaf.getSubcommands().isEmpty()) {
            throw new ParameterException(
                    own,
                    name + ": name what to do: "
                            + String.join(", ", leaf.getSubcommands().keySet()) + ".");
        }
        if (!leaf.getCommandSpec().optionsMap().containsKey(ChangeCommand.DRY_RUN)) {
            throw new ParameterException(own, name + ": there is no plan for this; it changes no host.");
        }
        List<String> arguments = new ArrayList<>(command);
        arguments.add(ChangeCommand.DRY_RUN);
        return KloigosCommand.commandLine(KloigosCommand.surroundings(own))
                .setOut(own.getOut())
                .setErr(own.getErr())
                .execute(arguments.toArray(String[]::new));
    }

    private static void requireNoneMissing(CommandLine own, CommandLine group, String word) {
        List<String> known = List.copyOf(group.getSubcommands().keySet());
        if (!known.isEmpty()) {
            throw new ParameterException(own, word + ": there is no such command; " + NearestMatch.hint(word, known));
        }
    }
}
