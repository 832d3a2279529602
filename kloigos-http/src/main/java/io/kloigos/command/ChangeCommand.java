package io.kloigos.command;

import io.kloigos.client.ApiRequest;
import io.kloigos.model.RequestKey;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Option;

/** A command that changes hosts, or shows the plan for it. */
abstract class ChangeCommand extends RemoteCommand {
    static final String DRY_RUN = "--dry-run";

    @Option(names = DRY_RUN, description = "Show what would be done, step by step, and do nothing.")
    private boolean dryRun;

    @Option(
            names = "--key",
            paramLabel = "KEY",
            description = "Do it once for all commands with this key, however often a script repeats it.")
    private @Nullable String key;

    /** Returns what is asked for. */
    abstract ApiRequest request(Session session);

    /** Asks the user, if that is to be asked. */
    void confirm(Session session) {}

    /** Does it. */
    abstract ExitStatus change(Session session, ApiRequest request);

    @Override
    final ExitStatus run(Session session) {
        ApiRequest request = request(session);
        if (dryRun) {
            return session.plan(session.send(request.dryRun()));
        }
        confirm(session);
        return change(session, request.once(new RequestKey(key)));
    }
}
