package io.kloigos.command;

import io.kloigos.model.Operation;
import io.kloigos.model.Role;
import io.kloigos.model.ServerStatus;
import io.kloigos.model.UnitStatus;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;

/** The words of which an option takes one, as completion offers them. */
abstract class Candidates implements Iterable<String> {
    private final List<String> words;

    private Candidates(Object... words) {
        this.words = Arrays.stream(words).map(Object::toString).toList();
    }

    @Override
    public Iterator<String> iterator() {
        return words.iterator();
    }

    /** How answers are printed. */
    static final class Formats extends Candidates {
        Formats() {
            super((Object[]) OutputFormat.values());
        }
    }

    /** What a token allows. */
    static final class Roles extends Candidates {
        Roles() {
            super((Object[]) Role.values());
        }
    }

    /** What a unit is. */
    static final class UnitStatuses extends Candidates {
        UnitStatuses() {
            super((Object[]) UnitStatus.values());
        }
    }

    /** What a server is. */
    static final class ServerStatuses extends Candidates {
        ServerStatuses() {
            super((Object[]) ServerStatus.values());
        }
    }

    /** What an operation does. */
    static final class Kinds extends Candidates {
        Kinds() {
            super((Object[]) Operation.Kind.values());
        }
    }

    /** How far an operation is. */
    static final class States extends Candidates {
        States() {
            super((Object[]) Operation.State.values());
        }
    }

    /** How hosts are reached. */
    static final class Drivers extends Candidates {
        Drivers() {
            super((Object[]) DriverName.values());
        }
    }

    /** What units are kept apart over. */
    static final class Scopes extends Candidates {
        Scopes() {
            super("server", "zone");
        }
    }
}
