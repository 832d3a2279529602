package io.kloigos.command;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.EventSource;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.util.Optional;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

/** Prints what happens. */
@Command(
        name = "events",
        description =
                "Prints what happens from now on, a line for each event (with -o json a JSON object), until the server"
                        + " ends or Ctrl-C.")
final class EventsCommand extends RemoteCommand {
    private static final JsonMapper JSON = new JsonMapper();

    @Option(names = "--count", paramLabel = "N", description = "End after N events.")
    private long count = Long.MAX_VALUE;

    @Override
    ExitStatus run(Session session) {
        try (EventSource events = session.api().events()) {
            for (long i = 0; i < count; i++) {
                Optional<EventSource.Message> message = events.next();
                if (message.isEmpty()) {
                    throw new KloigosException(ErrorCode.SERVER_UNREACHABLE, "The server ended the stream of events.");
                }
                print(session, message.get());
            }
        }
        return ExitStatus.OK;
    }

    private static void print(Session session, EventSource.Message message) {
        if (session.format().isForPeople()) {
            session.out().println(Views.event(message.name(), message.data()));
        } else {
            ObjectNode event = JSON.createObjectNode().put("event", message.name());
            event.set("data", message.data());
            session.out().println(session.format().printOneOfMany(event));
        }
        session.out().flush();
    }
}
