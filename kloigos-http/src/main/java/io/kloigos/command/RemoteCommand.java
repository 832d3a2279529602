package io.kloigos.command;

import io.kloigos.client.ApiConnection;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** A command that asks a server. Its exit status is an {@link ExitStatus}. */
@Command(mixinStandardHelpOptions = true, sortOptions = false, versionProvider = KloigosCommand.Version.class)
abstract class RemoteCommand implements Callable<Integer> {
    @Mixin
    private ConnectionOptions connection = new ConnectionOptions();

    @Option(
            names = {"-o", "--output"},
            paramLabel = "FORMAT",
            completionCandidates = Candidates.Formats.class,
            description = "How the answer is printed: table, wide, json or yaml (table).")
    private OutputFormat output = OutputFormat.TABLE;

    @Spec
    private @Nullable CommandSpec spec;

    /** A word before commands. */
    @Command(mixinStandardHelpOptions = true, versionProvider = KloigosCommand.Version.class)
    abstract static class Group implements Runnable {
        @Spec
        private @Nullable CommandSpec spec;

        @Override
        public void run() {
            CommandSpec own = Objects.requireNonNull(spec);
            throw new ParameterException(
                    own.commandLine(),
                    "Name what to do: " + String.join(", ", own.subcommands().keySet()) + ".");
        }
    }

    abstract ExitStatus run(Session session);

    /** Does it with a server. */
    ExitStatus run() {
        return run(session(commandLine()));
    }

    /** Returns where and how answers are printed. */
    Printer printer() {
        return new Printer(output, commandLine().getOut());
    }

    CommandLine commandLine() {
        return Objects.requireNonNull(spec).commandLine();
    }

    @Override
    public Integer call() {
        CommandLine command = commandLine();
        try {
            return run().number();
        } catch (KloigosException failure) {
            if (failure.code() == ErrorCode.INVALID_REQUEST && !failure.faults().isEmpty()) {
                failure.faults().forEach(fault -> KloigosCommand.complain(command, fault.toString()));
            } else {
                KloigosCommand.complain(command, String.valueOf(failure.getMessage()));
            }
            return ExitStatus.of(failure.code()).number();
        } catch (UncheckedIOException failure) {
            KloigosCommand.complain(command, String.valueOf(failure.getMessage()));
            return ExitStatus.FAILED.number();
        } finally {
            command.getOut().flush();
            command.getErr().flush();
        }
    }

    private Session session(CommandLine command) {
        Surroundings surroundings = KloigosCommand.surroundings(command);
        ApiConnection api = connection.connect(surroundings);
        Progress progress = new Progress(api, command.getErr(), surroundings.screen(), surroundings.patience());
        return new Session(api, surroundings, output, command.getOut(), command.getErr(), progress);
    }
}
