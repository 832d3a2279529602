package io.kloigos.planner;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.Server;
import io.kloigos.spi.Reading;

/** What is noted on a host of who manages it, and as which server. */
public final class ManagedBy {
    /** Reads the note. */
    public static final Reading READING = new Reading.FileText(HostFiles.MANAGED_BY);

    private ManagedBy() {}

    static String of(Server server, String manager) {
        return manager + " " + server.hostname();
    }

    /**
     * Makes sure that the host is nobody else's.
     *
     * @param manager the inventory
     * @param kind what is to be done to the host
     * @param found what {@link #READING} found
     * @throws KloigosException ALREADY_MANAGED if it is another inventory's, or another server of this one
     */
    public static void requireNoOther(Server server, String manager, Operation.Kind kind, String found) {
        String note = found.strip();
        if (!note.isEmpty() && !note.equals("absent") && !note.equals(of(server, manager))) {
            throw new KloigosException(
                    ErrorCode.ALREADY_MANAGED,
                    "Cannot " + kind + " " + server.hostname() + ": the host at " + server.address() + " is another"
                            + " server. Its " + HostFiles.MANAGED_BY + " says \"" + note + "\", and not \""
                            + of(server, manager) + "\". Nothing was changed there.");
        }
    }
}
