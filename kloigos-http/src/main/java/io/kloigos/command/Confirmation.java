package io.kloigos.command;

import picocli.CommandLine.Option;

/** Whether the user is asked before something is destroyed. */
final class Confirmation {
    @Option(
            names = {"-y", "--yes"},
            description = "Do not ask.")
    private boolean yes;

    void ask(Session session, String name, String consequence) {
        if (!yes) {
            session.confirm(name, consequence);
        }
    }
}
