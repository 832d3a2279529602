package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import io.kloigos.client.ApiRequest;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is done about drift. */
@Command(
        name = "drift",
        description = "Shows how servers differ from the inventory, and mends it.",
        subcommands = {DriftCommands.ListAll.class, DriftCommands.Show.class, DriftCommands.Repair.class})
final class DriftCommands extends RemoteCommand.Group {
    /** Lists what the newest looks found. */
    @Command(name = "list", description = "Lists what the newest look at each server found, without looking now.")
    static final class ListAll extends RemoteCommand {
        @Option(names = "--different", description = "Only servers that differ.")
        private boolean different;

        @Option(names = "--on", paramLabel = "SERVER", description = "What it found there.")
        private @Nullable String hostname;

        @Override
        ExitStatus run(Session session) {
            return session.list(
                    session.send(ApiRequest.of("GET", "/api/drift")
                            .with("different", different)
                            .with("hostname", hostname)),
                    Views.DRIFT);
        }
    }

    /** Shows what differs. */
    @Command(name = "show", description = "Looks how a server, or a unit, differs from the inventory.")
    static final class Show extends RemoteCommand {
        @Parameters(paramLabel = "SERVER|UNIT", description = "Which; a unit's name has an underscore.")
        private String name = "";

        @Option(names = "--kept", description = "Show what the newest look found, and do not look now.")
        private boolean kept;

        @Override
        ExitStatus run(Session session) {
            String path = name.contains("_") ? "/api/compute_units/{}/drift" : "/api/servers/{}/drift";
            JsonNode report = session.send(ApiRequest.of("GET", path, name).with("kept", kept));
            if (!session.format().isForPeople()) {
                return session.show(report);
            }
            session.out()
                    .println(name + " differs in " + report.path("deviations").size() + " of "
                            + report.path("facts").asInt() + " facts (looked at "
                            + Rounded.time(report.path("checked_at").asText()) + ")");
            return report.path("deviations").isEmpty()
                    ? ExitStatus.OK
                    : session.list(report.path("deviations"), Views.DEVIATIONS);
        }
    }

    /** Mends it. */
    @Command(
            name = "repair",
            description = "Looks at a server anew and mends what differs. What tenants run goes on, but for sockets on"
                    + " ports of others.")
    static final class Repair extends BackgroundCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("POST", "/api/servers/{}/repair", hostname);
        }
    }
}
