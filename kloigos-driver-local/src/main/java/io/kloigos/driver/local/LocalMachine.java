package io.kloigos.driver.local;

import io.kloigos.model.FileSystemType;
import io.kloigos.spi.Condition;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import io.kloigos.spi.Step.Access;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.LinkOption;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import jnr.posix.POSIX;

/** Makes steps take effect on this machine. */
final class LocalMachine {
    private static final String NEW = ".kloigos-new";
    private static final String ABSENT = "absent";
    private static final String FAILED = "failed";
    private static final int STICKY = 01000;
    private static final int PERMISSIONS = 07777;
    private static final long LOOK_AGAIN_MILLIS = 50;
    private static final int READ_AT_ONCE = 1 << 17;
    private static final Pattern QUOTA_OWNER = Pattern.compile(" \\(.id (\\d+)\\):");

    /** Device, then blocks used, soft limit, hard limit, grace, and the same four for inodes. */
    private static final Pattern QUOTA_ROW =
            Pattern.compile("\\s*\\S+\\s+\\S+\\s+(?<softBlocks>\\d+)\\s+(?<hardBlocks>\\d+)"
                    + "\\s+\\S+\\s+\\S+\\s+(?<softInodes>\\d+)\\s+(?<hardInodes>\\d+)\\s+\\S+\\s*");

    private final POSIX posix;
    private final Tools tools;
    private final TenantTraces traces;

    LocalMachine(POSIX posix, Tools tools) {
        this.posix = posix;
        this.tools = tools;
        this.traces = new TenantTraces(posix, tools);
    }

    /**
     * Makes a step take effect.
     *
     * @return whether the machine was changed
     */
    boolean apply(Step step) throws IOException {
        if (step instanceof Step.Directories directories) {
            return makeDirectories(directories);
        } else if (step instanceof Step.TextFile file) {
            return write(path(file.path()), file.content(), file.access());
        } else if (step instanceof Step.AppendedLines appended) {
            return append(path(appended.path()), appended.lines());
        } else if (step instanceof Step.RemovedLines removed) {
            return takeOut(path(removed.path()), removed.lines());
        } else if (step instanceof Step.Removal removal) {
            return remove(path(removal.path()));
        } else if (step instanceof Step.Emptying emptying) {
            return empty(path(emptying.path()));
        } else if (step instanceof Step.Command command) {
            tools.run(command.argv(), command.stdin()).orFail();
            return true;
        } else if (step instanceof Step.Ensure ensure) {
            return ensure(ensure);
        } else if (step instanceof Step.DiskFormat format) {
            return format(format);
        } else if (step instanceof Step.Erasure erasure) {
            return traces.erase(erasure.trace(), erasure.tenant());
        } else if (step instanceof Step.Expectation expectation) {
            return expect(expectation);
        }
        throw new StepFailure("no such step: " + step.describe());
    }

    private static Path path(String text) {
        Tools.requireEncodable(text);
        return Path.of(text);
    }

    // -- files ------------------------------------------------------------------------------------------------------

    /** Owner, group and mode of what is at a path, a symbolic link at its end not followed. */
    private record Status(int uid, int gid, int mode) {
        static Status of(Path path) throws IOException {
            Map<String, Object> attributes = Files.readAttributes(path, "unix:uid,gid,mode", LinkOption.NOFOLLOW_LINKS);
            return new Status(number(attributes, "uid"), number(attributes, "gid"), number(attributes, "mode"));
        }

        private static int number(Map<String, Object> attributes, String name) {
            return attributes.get(name) instanceof Integer number ? number : -1;
        }

        boolean is(Access access) {
            return uid == access.uid() && gid == access.gid() && (mode & PERMISSIONS) == access.mode();
        }
    }

    private static boolean exists(Path path) {
        return Files.exists(path, LinkOption.NOFOLLOW_LINKS);
    }

    private static boolean isDirectory(Path path) {
        return Files.isDirectory(path, LinkOption.NOFOLLOW_LINKS);
    }

    /** Fails if a link above the path lies where others than root may write: it could lead anywhere. */
    private static void requireSafeParents(Path path) throws IOException {
        boolean trusted = true;
        Path at = Path.of("/");
        for (Path name : path.getParent() == null ? List.<Path>of() : path.getParent()) {
            at = at.resolve(name);
            if (!exists(at)) {
                return;
            }
            if (!trusted && Files.isSymbolicLink(at)) {
                throw new StepFailure(at
                        + " is a symbolic link that others than root may have placed: remove it, or name its target");
            }
            Map<String, Object> attributes = Files.readAttributes(at, "unix:uid,mode");
            trusted &= Integer.valueOf(0).equals(attributes.get("uid"))
                    && attributes.get("mode") instanceof Integer mode
                    && (mode & STICKY) == 0;
        }
    }

    private boolean grant(Path path, Access access) throws IOException {
        if (Status.of(path).is(access)) {
            return false;
        }
        check(posix.lchown(path.toString(), access.uid(), access.gid()), "chown", path);
        check(posix.chmod(path.toString(), access.mode()), "chmod", path);
        return true;
    }

    private void check(int result, String call, Path path) {
        if (result != 0) {
            throw new StepFailure(call + " " + path + ": " + posix.strerror(posix.errno()));
        }
    }

    private boolean makeDirectories(Step.Directories directories) throws IOException {
        List<Path> paths = directories.paths().stream().map(LocalMachine::path).toList();
        for (Path path : paths) {
            requirePlaceForDirectory(path);
        }
        boolean changed = false;
        for (Path path : paths) {
            changed |= makeDirectory(path, directories.access());
        }
        return changed;
    }

    private static void requirePlaceForDirectory(Path path) throws IOException {
        requireSafeParents(path);
        if (isDirectory(path)) {
            return;
        }
        if (exists(path)) {
            throw new StepFailure(path + " is there and is no directory: remove it");
        }
        Path parent = path.getParent();
        if (parent == null || !Files.isDirectory(parent)) {
            throw new StepFailure(parent + " does not exist");
        }
    }

    private boolean makeDirectory(Path path, Access access) throws IOException {
        if (isDirectory(path)) {
            return grant(path, access);
        }
        Files.createDirectory(path, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rwx------")));
        grant(path, access);
        return true;
    }

    private boolean write(Path path, String content, Access access) throws IOException {
        requireSafeParents(path);
        byte[] bytes = content.getBytes(StandardCharsets.UTF_8);
        boolean regular = Files.isRegularFile(path, LinkOption.NOFOLLOW_LINKS);
        if (exists(path) && !regular && !Files.isSymbolicLink(path)) {
            throw new StepFailure(path + " is there and is no regular file: remove it");
        }
        if (regular && Files.size(path) == bytes.length && Arrays.equals(Files.readAllBytes(path), bytes)) {
            return grant(path, access);
        }
        replace(path, bytes, access.uid(), access.gid(), access.mode());
        return true;
    }

    /** Whoever reads a file that was there finds it old or new, never in part. */
    private void replace(Path path, byte[] bytes, int uid, int gid, int mode) throws IOException {
        Path written = path.resolveSibling(path.getFileName() + NEW);
        if (exists(written)) {
            remove(written);
        }
        Files.createFile(written, PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
        Files.write(written, bytes);
        check(posix.lchown(written.toString(), uid, gid), "chown", written);
        check(posix.chmod(written.toString(), mode), "chmod", written);
        Files.move(written, path, StandardCopyOption.ATOMIC_MOVE);
    }

    /** Reads a file as one character a byte, so that nothing of it is lost when it is written back. */
    private static String bytes(Path path) throws IOException {
        return Files.readString(path, StandardCharsets.ISO_8859_1);
    }

    private static List<String> bytes(List<String> lines) {
        return lines.stream()
                .map(line -> new String(line.getBytes(StandardCharsets.UTF_8), StandardCharsets.ISO_8859_1))
                .toList();
    }

    private static void requireFile(Path path) throws IOException {
        requireSafeParents(path);
        if (!Files.isRegularFile(path)) {
            throw new StepFailure(path + " is no regular file");
        }
    }

    private static boolean append(Path path, List<String> lines) throws IOException {
        if (!Files.exists(path)) {
            return false;
        }
        requireFile(path);
        String text = bytes(path);
        Set<String> there = new HashSet<>(Arrays.asList(text.split("\n", -1)));
        List<String> missing =
                bytes(lines).stream().filter(line -> !there.contains(line)).toList();
        if (missing.isEmpty()) {
            return false;
        }
        String end = text.isEmpty() || text.endsWith("\n") ? "" : "\n";
        Files.writeString(
                path, end + String.join("\n", missing) + "\n", StandardCharsets.ISO_8859_1, StandardOpenOption.APPEND);
        return true;
    }

    private boolean takeOut(Path path, List<String> lines) throws IOException {
        if (!Files.exists(path)) {
            return false;
        }
        requireFile(path);
        String text = bytes(path);
        Set<String> unwanted = new HashSet<>(bytes(lines));
        StringBuilder kept = new StringBuilder();
        for (int from = 0; from < text.length(); ) {
            int end = text.indexOf('\n', from);
            int next = end < 0 ? text.length() : end + 1;
            if (!unwanted.contains(text.substring(from, end < 0 ? next : end))) {
                kept.append(text, from, next);
            }
            from = next;
        }
        if (kept.length() == text.length()) {
            return false;
        }
        Path target = path.toRealPath();
        Status status = Status.of(target);
        replace(
                target,
                kept.toString().getBytes(StandardCharsets.ISO_8859_1),
                status.uid(),
                status.gid(),
                status.mode() & PERMISSIONS);
        return true;
    }

    /** Trees may be deeper than a path is long, which rm and find can walk and Java cannot. */
    private boolean remove(Path path) throws IOException {
        if (!exists(path)) {
            return false;
        }
        requireSafeParents(path);
        tools.run("rm", "-rf", "--one-file-system", "--", path.toString()).orFail();
        if (exists(path)) {
            throw new StepFailure(path + " is still there after rm");
        }
        return true;
    }

    private boolean empty(Path path) throws IOException {
        if (!exists(path)) {
            return false;
        }
        requireSafeParents(path);
        if (!isDirectory(path)) {
            throw new StepFailure(path + " is no directory");
        }
        if (isEmpty(path)) {
            return false;
        }
        tools.run("find", path.toString(), "-xdev", "-mindepth", "1", "-delete").orFail();
        if (!isEmpty(path)) {
            throw new StepFailure(path + " still has entries");
        }
        return true;
    }

    private static boolean isEmpty(Path directory) throws IOException {
        try (DirectoryStream<Path> entries = Files.newDirectoryStream(directory)) {
            return !entries.iterator().hasNext();
        }
    }

    // -- commands, disks --------------------------------------------------------------------------------------------

    private boolean ensure(Step.Ensure ensure) {
        if (holds(ensure.condition())) {
            return false;
        }
        tools.run(ensure.argv(), "").orFail();
        if (!holds(ensure.condition())) {
            throw new StepFailure(String.join(" ", ensure.argv()) + " succeeded, but still this does not hold: "
                    + ensure.condition());
        }
        return true;
    }

    private boolean holds(Condition condition) {
        boolean succeeded = tools.run(condition.argv(), "").succeeded();
        return succeeded == (condition.holdsOn() == Condition.Exit.SUCCESS);
    }

    private boolean format(Step.DiskFormat format) {
        String device = format.device();
        if (!tools.run("test", "-b", device).succeeded()) {
            throw new StepFailure(device + " is no block device");
        }
        if (tools.run("blkid", "-p", "-s", "LABEL", "-o", "value", "--", device)
                .out()
                .strip()
                .equals(format.label())) {
            return false;
        }
        String kind =
                tools.run("lsblk", "-nro", "TYPE,FSTYPE", "--", device).out().strip();
        if (!Set.of("disk", "lvm").contains(kind)) {
            throw new StepFailure(device + " is not formatted: it is no whole, unused disk: " + kind);
        }
        Tools.Ran signatures = tools.run("wipefs", "-n", "--", device);
        if (!signatures.orFail().isBlank()) {
            throw new StepFailure(device + " is not formatted: it is not blank:\n" + signatures.out());
        }
        List<String> make = new ArrayList<>(List.of("mkfs." + format.type(), "-q", "-L", format.label()));
        if (format.type() == FileSystemType.EXT4) {
            make.addAll(List.of("-O", "quota,project", "-E", "quotatype=usrquota:prjquota"));
        }
        make.addAll(List.of("--", device));
        tools.run(make, "").orFail();
        // Mounting by label needs the link that udev makes.
        tools.run("udevadm", "settle", "-t", "10");
        return true;
    }

    // -- readings ---------------------------------------------------------------------------------------------------

    private boolean expect(Step.Expectation expectation) throws IOException {
        Deadline until = Deadline.after(expectation.within());
        String found = read(expectation.reading());
        while (!found.equals(expectation.expected()) && !until.isOver()) {
            tools.deadline().check();
            Deadline.pause(LOOK_AGAIN_MILLIS);
            found = read(expectation.reading());
        }
        if (!found.equals(expectation.expected())) {
            throw new StepFailure("expected " + expectation.expected() + ", found " + found);
        }
        return false;
    }

    /** Returns the text of a reading as it is now. */
    String read(Reading reading) throws IOException {
        if (reading instanceof Reading.FileText text) {
            return file(text.path()).map(LocalMachine::stripped).orElse(ABSENT);
        } else if (reading instanceof Reading.FileLine line) {
            return file(line.path()).map(text -> line(text, line.prefix())).orElse(ABSENT);
        } else if (reading instanceof Reading.Output output) {
            Tools.Ran ran = tools.run(output.argv(), "");
            return ran.succeeded() ? stripped(ran.out()) : FAILED;
        } else if (reading instanceof Reading.OutputLine line) {
            Tools.Ran ran = tools.run(line.argv(), "");
            return ran.succeeded() ? line(ran.out(), line.prefix()) : FAILED;
        } else if (reading instanceof Reading.Entries entries) {
            return entries.paths().stream()
                    .flatMap(path -> entry(path).stream())
                    .collect(Collectors.joining("\n"));
        } else if (reading instanceof Reading.QuotaLimits quotas) {
            return quotas(quotas);
        } else if (reading instanceof Reading.Traces wanted) {
            return traces.read(wanted.trace(), wanted.tenant());
        }
        throw new StepFailure("no such reading: " + reading.describe());
    }

    private static Optional<String> entry(String path) {
        try {
            Status there = Status.of(path(path));
            String mode = Integer.toOctalString(there.mode() & PERMISSIONS);
            return Optional.of(mode + " " + there.uid() + ":" + there.gid() + " " + path);
        } catch (NoSuchFileException e) {
            return Optional.empty();
        } catch (IOException e) {
            throw new StepFailure("cannot look at " + path + ": " + e.getMessage());
        }
    }

    private static Optional<String> file(String path) {
        Path file = path(path);
        if (!Files.isRegularFile(file)) {
            return Optional.empty();
        }
        try {
            return Optional.of(new String(contents(file), StandardCharsets.UTF_8));
        } catch (IOException e) {
            // A cgroup may go while it is read.
            return Optional.of("");
        }
    }

    /** Returns the whole of a file. Those of /proc/sys give everything to the first read, be it for one byte only. */
    static byte[] contents(Path path) throws IOException {
        try (InputStream in = new FileInputStream(path.toFile())) {
            ByteArrayOutputStream out = new ByteArrayOutputStream();
            byte[] buffer = new byte[READ_AT_ONCE];
            for (int length = in.read(buffer); length > 0; length = in.read(buffer)) {
                out.write(buffer, 0, length);
            }
            return out.toByteArray();
        }
    }

    private static String line(String text, String prefix) {
        return Arrays.stream(text.split("\n", -1))
                .filter(line -> line.startsWith(prefix))
                .findFirst()
                .map(LocalMachine::stripped)
                .orElse(ABSENT);
    }

    private static String stripped(String text) {
        return text.replaceAll("\\A[ \t\n]+|[ \t\n]+\\z", "");
    }

    private String quotas(Reading.QuotaLimits quotas) {
        boolean ofUsers = quotas.kind() == Reading.QuotaKind.USER;
        List<String> argv = new ArrayList<>(
                List.of("quota", "-w", "-p", "-v", ofUsers ? "-u" : "-P", "--filesystem=" + quotas.mountPoint()));
        quotas.ids().forEach(id -> argv.add(Integer.toString(id)));
        Tools.Ran ran = tools.run(argv, "");
        List<String> found = new ArrayList<>();
        String id = "";
        for (String line : ran.out().split("\n", -1)) {
            Matcher owner = QUOTA_OWNER.matcher(line);
            Matcher row = QUOTA_ROW.matcher(line);
            if (owner.find()) {
                id = owner.group(1);
            } else if (row.matches()) {
                found.add(id + " " + row.group(ofUsers ? "hardBlocks" : "softBlocks") + " "
                        + row.group(ofUsers ? "hardInodes" : "softInodes"));
            }
        }
        return found.size() == quotas.ids().size() ? String.join("\n", found) : stripped(ran.out() + ran.errors());
    }
}
