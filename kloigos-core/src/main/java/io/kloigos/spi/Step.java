package io.kloigos.spi;

import io.kloigos.model.FileSystemType;
import io.kloigos.model.Trace;
import java.time.Duration;
import java.util.List;
import java.util.Objects;

/**
 * A primitive change of a host, or a look at it. Each is idempotent. The set is closed: new features of Kloigos compile to
 * these, so drivers do not change.
 *
 * <p>What no host could take is no step: each constructor throws {@link IllegalArgumentException} for a path that is not absolute, or
 * has {@code .}, {@code ..} or empty names in it, for a command without words, and for text with NUL or half a surrogate pair.
 */
public sealed interface Step {
    /** Returns what the step does, in one line. */
    String describe();

    /** Returns what the step does in at most 200 characters, for a message: a step may name hundreds of units. */
    default String summarize() {
        String whole = describe();
        return whole.length() <= 200 ? whole : whole.substring(0, 197) + "...";
    }

    /**
     * Owner, group and mode of a directory or file.
     *
     * @param uid the owner's user id, 0 or more
     * @param gid the group's id, 0 or more
     * @param mode permission bits, e.g. {@code 0700}; no more than {@code 07777}
     */
    record Access(int uid, int gid, int mode) {
        public Access {
            if (uid < 0 || gid < 0 || mode < 0 || mode > 07777) {
                throw new IllegalArgumentException(
                        "no owner, group and mode: " + uid + " " + gid + " " + Integer.toOctalString(mode));
            }
        }

        /** Of a user whose group has the same id. */
        public Access(int uid, int mode) {
            this(uid, uid, mode);
        }

        /** Returns the access of files that everybody may read and only root may write. */
        public static Access rootFile() {
            return new Access(0, 0644);
        }

        /** Returns the access of directories that everybody may enter and only root may write. */
        public static Access rootDirectory() {
            return new Access(0, 0755);
        }

        @Override
        public String toString() {
            return String.format("%04o %d", mode, uid) + (gid == uid ? "" : ":" + gid);
        }
    }

    /**
     * Directories exist with this owner and mode. Their parents must exist, so none of them is below another.
     * Where one cannot be, none is made.
     *
     * @param paths absolute
     * @param access owner and mode of each
     */
    record Directories(List<String> paths, Access access) implements Step {
        /** A single directory. */
        public Directories(String path, Access access) {
            this(List.of(path), access);
        }

        public Directories {
            paths = HostText.requirePaths(paths);
            Objects.requireNonNull(access);
        }

        @Override
        public String describe() {
            return "directory " + String.join(" ", paths) + " " + access;
        }
    }

    /**
     * A regular file exists with this content, owner and mode; it is replaced as a whole.
     *
     * @param path absolute
     * @param content what it holds; no NUL
     * @param access owner and mode
     */
    record TextFile(String path, String content, Access access) implements Step {
        public TextFile {
            HostText.requirePath(path);
            HostText.require(content);
            Objects.requireNonNull(access);
        }

        @Override
        public String describe() {
            return "file " + path + " " + access + ", " + content.lines().count() + " lines";
        }
    }

    /**
     * The lines stand at the end of a file that belongs to somebody else; if the file does not exist, nothing is done.
     *
     * @param path absolute
     * @param lines what to append, unless they are there; no line feeds in them
     */
    record AppendedLines(String path, List<String> lines) implements Step {
        public AppendedLines {
            HostText.requirePath(path);
            lines = HostText.requireLines(lines);
        }

        @Override
        public String describe() {
            return "append to " + path + ": " + String.join(" | ", lines);
        }
    }

    /**
     * The lines do not stand in a file that belongs to somebody else.
     *
     * @param path absolute
     * @param lines what to take out, wherever each stands; no line feeds in them
     */
    record RemovedLines(String path, List<String> lines) implements Step {
        public RemovedLines {
            HostText.requirePath(path);
            lines = HostText.requireLines(lines);
        }

        @Override
        public String describe() {
            return "take out of " + path + ": " + String.join(" | ", lines);
        }
    }

    /**
     * Nothing is at this path. A directory goes with all that is below it on the same file system.
     *
     * @param path absolute
     */
    record Removal(String path) implements Step {
        public Removal {
            HostText.requirePath(path);
        }

        @Override
        public String describe() {
            return "remove " + path;
        }
    }

    /**
     * The directory has no entries; it stays itself. It is no error if it does not exist.
     *
     * @param path absolute
     */
    record Emptying(String path) implements Step {
        public Emptying {
            HostText.requirePath(path);
        }

        @Override
        public String describe() {
            return "empty " + path;
        }
    }

    /**
     * A command that may be repeated is run.
     *
     * @param argv the command, by its name in the system's path, and its arguments
     * @param stdin what it reads; may be empty
     */
    record Command(List<String> argv, String stdin) implements Step {
        public Command {
            argv = HostText.requireCommand(argv);
            HostText.require(stdin);
        }

        /** Returns a command that reads nothing. */
        public static Command of(String... argv) {
            return new Command(List.of(argv), "");
        }

        @Override
        public String describe() {
            return "run " + String.join(" ", argv);
        }
    }

    /**
     * A condition holds: where it does not, the command is run, and then it must.
     *
     * @param condition what shall hold
     * @param argv what makes it so
     */
    record Ensure(Condition condition, List<String> argv) implements Step {
        public Ensure {
            Objects.requireNonNull(condition);
            argv = HostText.requireCommand(argv);
        }

        /** Returns the step that runs {@code argv} unless {@code condition} holds. */
        public static Ensure that(Condition condition, String... argv) {
            return new Ensure(condition, List.of(argv));
        }

        @Override
        public String describe() {
            return "run " + String.join(" ", argv) + " unless " + condition;
        }
    }

    /**
     * The disk holds a file system with this label and with user and project quotas. One that has the label is left as it
     * is; any other is formatted only if it is a whole disk or a logical volume, without any signature, partition or holder, and
     * else the step fails.
     *
     * @param device the disk
     * @param type what to make
     * @param label how it is recognised: 1 to 12 letters, digits, dots, hyphens and underscores, which every file system can hold
     */
    record DiskFormat(String device, FileSystemType type, String label) implements Step {
        public DiskFormat {
            HostText.requirePath(device);
            Objects.requireNonNull(type);
            if (!label.matches("[A-Za-z0-9._-]{1,12}")) {
                throw new IllegalArgumentException("no label of a file system: " + label);
            }
        }

        @Override
        public String describe() {
            return "format " + device + " as " + type + " " + label + " if it is whole and blank";
        }
    }

    /**
     * Every trace of one kind that the tenant left is erased.
     *
     * @param trace which kind
     * @param tenant whose
     */
    record Erasure(Trace trace, UnitAccount tenant) implements Step {
        public Erasure {
            Objects.requireNonNull(trace);
            Objects.requireNonNull(tenant);
        }

        @Override
        public String describe() {
            return "erase " + trace + " of " + tenant.user();
        }
    }

    /**
     * The host is looked at and must be as expected.
     *
     * @param reading what to look at
     * @param expected the exact text
     * @param within how long the host may take to become so, where something is started and not waited for; zero if it must
     *     be so at once, never less
     */
    record Expectation(Reading reading, String expected, Duration within) implements Step {
        /** What must be so at once. */
        public Expectation(Reading reading, String expected) {
            this(reading, expected, Duration.ZERO);
        }

        public Expectation {
            Objects.requireNonNull(reading);
            HostText.require(expected);
            if (within.isNegative()) {
                throw new IllegalArgumentException("nothing is expected within " + within);
            }
        }

        @Override
        public String describe() {
            return "expect " + reading.describe() + " = "
                    + String.join(" | ", expected.lines().toList())
                    + (within.isZero() ? "" : " within " + within.toSeconds() + " s");
        }
    }
}
