package io.kloigos.spi;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Trace;
import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Something to read on a host, always as one text without the spaces, tabs and line feeds around it. The text holds no NUL;
 * what is no UTF-8 may come back altered.
 *
 * <p>What no host could read is no reading: each constructor throws {@link IllegalArgumentException} for a path that is not absolute,
 * or has {@code .}, {@code ..} or empty names in it, for a command without words, and for text with NUL or half a surrogate pair.
 */
public sealed interface Reading {
    /** Returns what is read, in a few words. */
    String describe();

    /**
     * The content of a file, e.g. of the cgroup file system; what is missing or no regular file
     * reads as {@code absent}.
     *
     * @param path absolute
     */
    record FileText(String path) implements Reading {
        public FileText {
            HostText.requirePath(path);
        }

        @Override
        public String describe() {
            return path;
        }
    }

    /**
     * The first line of a file that begins with {@code prefix}; {@code absent} if there is none.
     *
     * @param path absolute
     * @param prefix what the line begins with
     */
    record FileLine(String path, String prefix) implements Reading {
        public FileLine {
            HostText.requirePath(path);
            HostText.require(prefix);
        }

        @Override
        public String describe() {
            return "the line \"" + prefix + "\" of " + path;
        }
    }

    /**
     * What a command prints; a command that fails reads as {@code failed}.
     *
     * @param argv the command and its arguments
     */
    record Output(List<String> argv) implements Reading {
        public Output {
            argv = HostText.requireCommand(argv);
        }

        @Override
        public String describe() {
            return String.join(" ", argv);
        }
    }

    /**
     * The first line that a command prints and that begins with {@code prefix}; {@code absent} if there is none, {@code
     * failed} if the command fails.
     *
     * @param argv the command and its arguments
     * @param prefix what the line begins with
     */
    record OutputLine(List<String> argv, String prefix) implements Reading {
        public OutputLine {
            argv = HostText.requireCommand(argv);
            HostText.require(prefix);
        }

        @Override
        public String describe() {
            return "the line \"" + prefix + "\" of " + String.join(" ", argv);
        }
    }

    /**
     * Mode and owner of what is at some paths: a line {@code MODE UID:GID PATH} for each that exists, in the given order,
     * e.g. {@code 700 20000:20000 /opt/c0-3}. Symbolic links are not followed.
     *
     * @param paths absolute
     */
    record Entries(List<String> paths) implements Reading {
        public Entries {
            paths = HostText.requirePaths(paths);
        }

        @Override
        public String describe() {
            return "mode and owner of " + String.join(" ", paths);
        }
    }

    /** The two kinds of disk quota that Kloigos sets. */
    enum QuotaKind {
        USER,
        PROJECT
    }

    /**
     * Limits of some ids on one file system: a line {@code ID KIBIBYTES INODES} for each, in the given order; 0 is no limit.
     * Those of a user are the hard ones, those of a project the soft ones. Anything else is the host's reason why there is none.
     *
     * @param kind of which quota
     * @param ids uids or project ids, 0 or more
     * @param mountPoint the file system
     */
    record QuotaLimits(QuotaKind kind, List<Integer> ids, String mountPoint) implements Reading {
        public QuotaLimits {
            Objects.requireNonNull(kind);
            ids = List.copyOf(ids);
            if (ids.stream().anyMatch(id -> id < 0)) {
                throw new IllegalArgumentException("no ids of users or projects: " + ids);
            }
            HostText.requirePath(mountPoint);
        }

        /** Returns the line that this reads of an id whose limits are {@code bytes} and {@code inodes}. */
        public static String line(int id, ByteSize bytes, long inodes) {
            return id + " " + bytes.kibibytes() + " " + inodes;
        }

        @Override
        public String describe() {
            return kind.name().toLowerCase(java.util.Locale.ROOT) + " quota of "
                    + ids.stream().map(String::valueOf).collect(Collectors.joining(" ")) + " on " + mountPoint;
        }
    }

    /**
     * Traces of a tenant: {@code none}, or the first few, separated by spaces, or {@code unknown: } and the reason why the host
     * cannot tell.
     *
     * @param trace which kind
     * @param tenant whose
     */
    record Traces(Trace trace, UnitAccount tenant) implements Reading {
        public Traces {
            Objects.requireNonNull(trace);
            Objects.requireNonNull(tenant);
        }

        /** What this reads when there are none. */
        public static final String NONE = "none";

        /** What this begins with when the host cannot tell. */
        public static final String UNKNOWN = "unknown: ";

        @Override
        public String describe() {
            return trace + " of " + tenant.user();
        }
    }
}
