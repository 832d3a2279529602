package io.kloigos.command;

import io.kloigos.client.ApiRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
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

        @Option(names = "--state", paramLabel = "STATE", description = "Those in this state, such as failed.")
        private @Nullable String state;

        @ArgGroup
        private Length length = new Length();

        /** How long the list is. */
        static final class Length {
            @Option(names = "--limit", paramLabel = "N", description = "How many at most (20).")
            private int limit = 20;

            @Option(names = "--all", description = "All that are kept.")
            private boolean all;
        }

        @Override
        ExitStatus run(Session session) {
            int most = length.all ? Integer.MAX_VALUE : length.limit;
            ApiRequest request = ApiRequest.of("GET", "/api/operations")
                    .with("compute_id", unit)
                    .with("hostname", hostname)
                    .with("state", state);
            return session.list(session.list(request, most), Views.OPERATIONS);
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
