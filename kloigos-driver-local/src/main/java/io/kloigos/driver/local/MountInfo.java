package io.kloigos.driver.local;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * One line of {@code /proc/self/mountinfo}.
 *
 * @param number major:minor of the device
 * @param point where it is mounted
 * @param printable the same as printf(1) takes it for {@code %b}, in ASCII: whoever mounts something names it, in bytes that may
 *     be no text
 * @param type the type of file system
 * @param source the device
 * @param options the options of the mount and of the file system
 * @see <a href="https://man7.org/linux/man-pages/man5/proc_pid_mountinfo.5.html">proc_pid_mountinfo(5)</a>
 */
record MountInfo(String number, String point, String printable, String type, String source, Set<String> options) {
    private static final Pattern ESCAPE = Pattern.compile("\\\\([0-7]{3})");
    private static final String PLAIN = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789/._-";

    static List<MountInfo> read() throws IOException {
        List<MountInfo> mounts = new ArrayList<>();
        for (String line : Files.readAllLines(Path.of("/proc/self/mountinfo"), StandardCharsets.ISO_8859_1)) {
            String[] halves = line.split(" - ", 2);
            String[] mount = halves[0].split(" ", -1);
            String[] fileSystem = halves[1].split(" ", -1);
            Set<String> options = new TreeSet<>(List.of(mount[5].split(",", -1)));
            options.addAll(List.of(fileSystem[2].split(",", -1)));
            String point = unescaped(mount[4]);
            mounts.add(new MountInfo(
                    mount[2], text(point), printable(point), fileSystem[0], text(unescaped(fileSystem[1])), options));
        }
        return mounts;
    }

    /** Returns the file system that holds a path: of the mounts on the longest matching point, the newest. */
    static MountInfo holding(List<MountInfo> mounts, String path) {
        return mounts.stream()
                .filter(mount -> mount.point.equals("/") || (path + "/").startsWith(mount.point + "/"))
                .reduce((best, next) -> next.point.length() >= best.point.length() ? next : best)
                .orElseThrow(() -> new StepFailure("nothing is mounted above " + path));
    }

    static Comparator<MountInfo> deepestFirst() {
        return Comparator.comparing((MountInfo mount) -> mount.point.length()).reversed();
    }

    private static String text(String bytes) {
        return new String(bytes.getBytes(StandardCharsets.ISO_8859_1), StandardCharsets.UTF_8);
    }

    private static String printable(String bytes) {
        StringBuilder printable = new StringBuilder();
        for (int i = 0; i < bytes.length(); i++) {
            char each = bytes.charAt(i);
            if (PLAIN.indexOf(each) >= 0) {
                printable.append(each);
            } else {
                printable.append(String.format(Locale.ROOT, "\\0%03o", (int) each));
            }
        }
        return printable.toString();
    }

    private static String unescaped(String text) {
        Matcher matcher = ESCAPE.matcher(text);
        return matcher.replaceAll(
                match -> Matcher.quoteReplacement(String.valueOf((char) Integer.parseInt(match.group(1), 8))));
    }
}
