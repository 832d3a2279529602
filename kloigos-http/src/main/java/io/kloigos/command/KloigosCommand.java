package io.kloigos.command;

import io.kloigos.http.NearestMatch;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;
import picocli.CommandLine.UnmatchedArgumentException;

/**
 * The {@code kloigos} command. It exits with 0 after success, 1 after a failure and 2 if it was not understood; commands that
 * ask a server have more to say, see {@link ExitStatus}.
 */
@Command(
        name = "kloigos",
        description = "VM-like compute units without VMs, built from native Linux primitives.",
        mixinStandardHelpOptions = true,
        versionProvider = KloigosCommand.Version.class)
public final class KloigosCommand implements Runnable {
    /** Not where logback looks by itself: programs that embed the HTTP server have settings of their own. */
    private static final String LOGGING = "io/kloigos/command/logback.xml";

    private static final String SERVE = "serve";
    static final String PLAN = "plan";

    /** In the order of the help. */
    private static final List<Class<?>> COMMANDS = List.of(
            ServeCommand.class,
            TokenCommand.class,
            ServerCommands.class,
            UnitCommands.class,
            OperationCommands.class,
            DriftCommands.class,
            PlanCommand.class,
            EventsCommand.class,
            InventoryCommand.class,
            CompletionCommand.class);

    private final Surroundings surroundings;

    @Spec
    private @Nullable CommandSpec spec;

    private KloigosCommand(Surroundings surroundings) {
        this.surroundings = surroundings;
    }

    /** Runs the command and ends the process. */
    public static void main(String[] arguments) {
        System.getProperties().putIfAbsent("logback.configurationFile", LOGGING);
        // To make all others takes a fifth of the time in which a server starts.
        boolean serves = arguments.length > 0 && arguments[0].equals(SERVE);
        List<Class<?>> commands = serves ? List.of(ServeCommand.class) : COMMANDS;
        System.exit(commandLine(Surroundings.ofProcess(), commands).execute(arguments));
    }

    static CommandLine commandLine() {
        return commandLine(Surroundings.ofProcess());
    }

    static CommandLine commandLine(Surroundings surroundings) {
        return commandLine(surroundings, COMMANDS);
    }

    private static CommandLine commandLine(Surroundings surroundings, List<Class<?>> commands) {
        CommandLine command = new CommandLine(new KloigosCommand(surroundings));
        commands.forEach(command::addSubcommand);
        CommandLine plan = command.getSubcommands().get(PLAN);
        if (plan != null) {
            plan.setStopAtPositional(true);
        }
        return command.setParameterExceptionHandler((e, arguments) -> refuse(e))
                .setCaseInsensitiveEnumValuesAllowed(true);
    }

    /** Returns what the command finds around it. */
    static Surroundings surroundings(CommandLine command) {
        return ((KloigosCommand) command.getCommandSpec().root().userObject()).surroundings;
    }

    @Override
    public void run() {
        throw new ParameterException(
                Objects.requireNonNull(spec).commandLine(), "Name a command; try \"kloigos --help\".");
    }

    private static int refuse(ParameterException refusal) {
        complain(refusal.getCommandLine(), message(refusal));
        return CommandLine.ExitCode.USAGE;
    }

    private static String message(ParameterException refusal) {
        if (refusal instanceof UnmatchedArgumentException unmatched) {
            CommandSpec spec = refusal.getCommandLine().getCommandSpec();
            List<String> known = new ArrayList<>(spec.optionsMap().keySet());
            known.addAll(spec.subcommands().keySet());
            String word = unmatched.getUnmatched().get(0);
            return word + ": there is no such command or option; " + NearestMatch.hint(word, known);
        }
        return String.valueOf(refusal.getMessage());
    }

    /** Prints one line on standard error. */
    static void complain(CommandLine command, String message) {
        command.getErr().println("kloigos: " + Printable.text(message));
    }

    /** Tells the version from the jar's manifest. */
    static final class Version implements CommandLine.IVersionProvider {
        @Override
        public String[] getVersion() {
            String version = KloigosCommand.class.getPackage().getImplementationVersion();
            return new String[] {"kloigos " + (version == null ? "(not packaged)" : version)};
        }
    }
}
