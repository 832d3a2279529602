package io.kloigos.driver.local;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryIteratorException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;

/** Finds the processes of this machine that may act as a tenant, or keep something of a tenant's. */
final class TenantProcesses {
    private TenantProcesses() {}

    /** Returns the processes that may act as this user. */
    static Set<Long> of(int uid) throws IOException {
        Set<Long> actors = new TreeSet<>(withIds(uid));
        actors.addAll(ringHolders(uid));
        return actors;
    }

    /**
     * Returns the processes of which a thread has this user or group id, or can take it: real, effective, saved and of the file
     * system. Each thread has its own, and the first may have ended before the others. Those that have ended are left out.
     *
     * @see <a href="https://man7.org/linux/man-pages/man7/credentials.7.html">credentials(7)</a>
     */
    private static List<Long> withIds(int uid) throws IOException {
        List<Long> processes = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
            for (Path process : all) {
                if (threads(process).stream().map(Status::of).anyMatch(status -> status.isLive() && status.has(uid))) {
                    processes.add(Long.valueOf(process.getFileName().toString()));
                }
            }
        }
        return processes;
    }

    /** Returns the directories of a process's threads; none if it has ended. */
    private static List<Path> threads(Path process) {
        List<Path> threads = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(process.resolve("task"))) {
            all.forEach(threads::add);
        } catch (IOException | DirectoryIteratorException e) {
            // It ended meanwhile.
        }
        return threads;
    }

    /** What the kernel says of a process or thread: proc_pid_status(5). */
    private record Status(String state, List<String> ids) {
        static Status of(Path process) {
            String state = "";
            List<String> ids = new ArrayList<>();
            try {
                for (String line : Files.readAllLines(process.resolve("status"), StandardCharsets.ISO_8859_1)) {
                    if (line.startsWith("State:")) {
                        state = line.substring("State:".length()).strip();
                    } else if (line.startsWith("Uid:") || line.startsWith("Gid:")) {
                        ids.addAll(Arrays.asList(line.strip().split("\\s+", -1)));
                    }
                }
            } catch (IOException e) {
                return new Status("", List.of());
            }
            return new Status(state, ids);
        }

        boolean isZombie() {
            return state.startsWith("Z");
        }

        boolean isLive() {
            return !state.isEmpty() && !isZombie() && !state.startsWith("X");
        }

        boolean has(int uid) {
            return ids.contains(Integer.toString(uid));
        }
    }

    /**
     * Returns the processes that have a ring of io_uring with which the user registered its credentials: whoever was handed such a
     * ring may go on with them.
     *
     * @see <a href="https://man7.org/linux/man-pages/man2/io_uring_register.2.html">io_uring_register(2),
     *     IORING_REGISTER_PERSONALITY</a>
     */
    private static List<Long> ringHolders(int uid) throws IOException {
        Pattern credential = Pattern.compile("\\s*[UG]id:(\\s+\\d+)*\\s+" + uid + "(\\s.*)?");
        return openFiles((process, file, target) -> target.equals("anon_inode:[io_uring]")
                && Files.readAllLines(
                                process.resolve("fdinfo").resolve(file.getFileName()), StandardCharsets.ISO_8859_1)
                        .stream()
                        .anyMatch(line -> credential.matcher(line).matches()));
    }

    /** What is asked about a file that a process has open. */
    private interface OpenFile {
        boolean passes(Path process, Path file, String target) throws IOException;
    }

    /** Returns the processes that have a file open which passes. */
    private static List<Long> openFiles(OpenFile question) throws IOException {
        List<Long> processes = new ArrayList<>();
        try (DirectoryStream<Path> all = Files.newDirectoryStream(Path.of("/proc"), "[1-9]*")) {
            for (Path process : all) {
                if (hasOpen(process, question)) {
                    processes.add(Long.valueOf(process.getFileName().toString()));
                }
            }
        }
        return processes;
    }

    /** Of a process whose first thread has ended, only the others show what it has open. */
    private static boolean hasOpen(Path process, OpenFile question) {
        if (!Status.of(process).isZombie()) {
            return showsOpen(process, question);
        }
        return threads(process).stream().anyMatch(thread -> showsOpen(thread, question));
    }

    /** The directory in which a process works counts as open. */
    private static boolean showsOpen(Path process, OpenFile question) {
        if (passes(process, process.resolve("cwd"), question)) {
            return true;
        }
        try (DirectoryStream<Path> files = Files.newDirectoryStream(process.resolve("fd"))) {
            for (Path file : files) {
                if (passes(process, file, question)) {
                    return true;
                }
            }
        } catch (IOException | DirectoryIteratorException e) {
            // The process ended meanwhile.
        }
        return false;
    }

    private static boolean passes(Path process, Path file, OpenFile question) {
        try {
            return question.passes(process, file, Files.readSymbolicLink(file).toString());
        } catch (IOException e) {
            // It was closed meanwhile.
            return false;
        }
    }

    /** Returns who has files or directories of the user's open: what is removed is counted until they let go. */
    static List<String> fileHolders(int uid) throws IOException {
        return holders(uid, (process, file, target) -> Files.isRegularFile(file) || Files.isDirectory(file));
    }

    /** Returns who has sockets open that the user made. */
    static List<String> socketHolders(int uid) throws IOException {
        return holders(uid, (process, file, target) -> target.startsWith("socket:"));
    }

    private static List<String> holders(int uid, OpenFile question) throws IOException {
        return openFiles((process, file, target) -> question.passes(process, file, target)
                        && Files.getAttribute(file, "unix:uid").equals(uid))
                .stream()
                .map(pid -> "open:" + pid + ":" + name(pid))
                .toList();
    }

    private static String name(long pid) {
        try {
            return Files.readString(Path.of("/proc", Long.toString(pid), "comm"))
                    .strip();
        } catch (IOException e) {
            return "";
        }
    }
}
