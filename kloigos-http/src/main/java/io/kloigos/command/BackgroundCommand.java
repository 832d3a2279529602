package io.kloigos.command;

import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.ApiConnection.Answer;
import io.kloigos.client.ApiRequest;
import picocli.CommandLine.Option;

/** A change that the server makes in the background; the command waits for it unless told otherwise. */
abstract class BackgroundCommand extends ChangeCommand {
    @Option(names = "--no-wait", description = "Print the operation's id and do not wait for its end.")
    private boolean noWait;

    @Override
    ExitStatus change(Session session, ApiRequest request) {
        Answer answer = session.api().send(request);
        answer.warnings().forEach(warning -> session.err().println("warning: " + warning));
        return afterwards(session, answer.operationId());
    }

    final ExitStatus afterwards(Session session, String operationId) {
        return noWait ? session.begun(operationId) : session.follow(operationId);
    }

    /** Waits for the end of each operation that the answer names. */
    final ExitStatus afterwards(Session session, ObjectNode answer) {
        if (!noWait) {
            return session.followAll(answer);
        }
        if (!session.format().isForPeople()) {
            return session.show(answer);
        }
        answer.path("operations")
                .forEach(operation -> session.out().println(operation.path("id").asText()));
        return ExitStatus.OK;
    }
}
