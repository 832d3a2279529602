package io.kloigos.command;

import com.fasterxml.jackson.databind.node.ArrayNode;
import io.kloigos.client.ApiRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** What is done about operations. */
@Command(
        name = "operation",
        description = "Lists, shows, watches, retries and cancels operations.",
        subcommands = {
            OperationCommands.ListAll.class,
            OperationCommands.Show.class,
            OperationCommands.Watch.class,
            OperationCommands.Retry.class,
            OperationCommands.Cancel.class
        })
final class OperationCommands extends RemoteCommand.Group {
    /** Lists operations. */
    @Command(name = "list", description = "Lists operations, the newest first.")
    static final class ListAll extends RemoteCommand {
        @Option(names = "--unit", paramLabel = "UNIT", description = "Those on this unit.")
        private @Nullable String unit;

        @Option(names = "--on", paramLabel = "SERVER", description = "Those on this server and its units.")
        private @Nullable String hostname;

        @Option(
                names = "--kind",
                paramLabel = "KIND",
                completionCandidates = Candidates.Kinds.class,
                description = "Those of this kind, such as allocate.")
        private @Nullable String kind;

        @Option(
                names = "--state",
                paramLabel = "STATE",
                completionCandidates = Candidates.States.class,
                description = "Those in this state, such as failed.")
        private @Nullable String state;

        @Option(names = "--owner", paramLabel = "TENANT", description = "Those on units of this tenant.")
        private @Nullable String owner;

        @ArgGroup
        private Length length = new Length();

        /** How long the list is. */
        static final class Length {
            @Option(
                    names = "--limit",
                    paramLabel = "N",
                    description = "How many at most (20); if there are more, standard error says so.")
            private int limit = 20;

            @Option(names = "--all", description = "All that are kept.")
            private boolean all;
        }

        @Override
        ExitStatus run(Session session) {
            if (length.limit < 1) {
                throw new ParameterException(commandLine(), "--limit is 1 or more.");
            }
            ApiRequest request = ApiRequest.of("GET", "/api/operations")
                    .with("compute_id", unit)
                    .with("hostname", hostname)
                    .with("kind", kind)
                    .with("state", state)
                    .with("owner", owner);
            if (length.all || length.limit == Integer.MAX_VALUE) {
                return session.list(session.list(request, Integer.MAX_VALUE), Views.OPERATIONS);
            }
            ArrayNode found = session.list(request, length.limit + 1);
            boolean more = found.size() > length.limit;
            if (more) {
                found.remove(length.limit);
            }
            session.list(found, Views.OPERATIONS);
            if (more) {
                KloigosCommand.complain(
                        commandLine(),
                        "these are the newest " + length.limit + " only; --limit N lists more, --all lists all.");
            }
            return ExitStatus.OK;
        }
    }

    /** A command about one operation. */
    abstract static class OfOperation extends RemoteCommand {
        @Parameters(paramLabel = "ID", description = "Its id.")
        private String id = "";

        String id() {
            return id;
        }
    }

    /** Shows an operation. */
    @Command(name = "show", description = "Shows an operation with its steps.")
    static final class Show extends OfOperation {
        @Override
        ExitStatus run(Session session) {
            return session.show(session.get("/api/operations/{}", id()));
        }
    }

    /** Waits for an operation. */
    @Command(
            name = "watch",
            description =
                    "Shows the steps of an operation as they happen, until it ends. Exits with 0 if it succeeded.")
    static final class Watch extends OfOperation {
        @Override
        ExitStatus run(Session session) {
            return session.follow(id());
        }
    }

    /** Tries again. */
    @Command(name = "retry", description = "Begins another attempt at an operation that failed or was cancelled.")
    static final class Retry extends OfOperation {
        @Option(names = "--no-wait", description = "Print the operation's id and do not wait for its end.")
        private boolean noWait;

        @Override
        ExitStatus run(Session session) {
            session.send(ApiRequest.of("POST", "/api/operations/{}/retry", id()).once());
            return noWait ? session.begun(id()) : session.follow(id());
        }
    }

    /** Cancels. */
    @Command(
            name = "cancel",
            description =
                    "Lets an operation end before its next step. What it began stays as it is, and can be retried.")
    static final class Cancel extends OfOperation {
        @Override
        ExitStatus run(Session session) {
            return session.changed(
                    session.send(ApiRequest.of("POST", "/api/operations/{}/cancel", id())), Views.OPERATIONS);
        }
    }
}
