package io.kloigos.spi;

import java.nio.charset.StandardCharsets;
import java.util.List;

/** What texts, paths and commands are like that every driver can pass on to its host as they are. */
final class HostText {
    private HostText() {}

    /** Returns the text, unless it holds NUL or half a surrogate pair: no file's line and no argument can be so. */
    static String require(String text) {
        if (text.indexOf('\0') >= 0) {
            throw new IllegalArgumentException("a host's text holds no NUL: " + text.replace('\0', '?'));
        }
        if (!StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
            throw new IllegalArgumentException("a host's text holds no half of a surrogate pair: " + text);
        }
        return text;
    }

    /** Returns the lines, each a text without line feed. */
    static List<String> requireLines(List<String> lines) {
        for (String line : lines) {
            if (require(line).indexOf('\n') >= 0) {
                throw new IllegalArgumentException("a line holds no line feed: " + line);
            }
        }
        return List.copyOf(lines);
    }

    /** Returns the path, if it is absolute and has neither empty names nor {@code .} or {@code ..} in it. */
    static String requirePath(String path) {
        require(path);
        if (path.equals("/")) {
            return path;
        }
        boolean isPlain = path.startsWith("/");
        for (String name : path.substring(Math.min(1, path.length())).split("/", -1)) {
            isPlain &= !name.isEmpty() && !name.equals(".") && !name.equals("..");
        }
        if (!isPlain) {
            throw new IllegalArgumentException("a path on a host is absolute and plain: " + path);
        }
        return path;
    }

    /** Returns the paths, each as {@link #requirePath} wants it. */
    static List<String> requirePaths(List<String> paths) {
        paths.forEach(HostText::requirePath);
        return List.copyOf(paths);
    }

    /** Returns the words of a command, the first of which names a program. */
    static List<String> requireCommand(List<String> argv) {
        if (argv.isEmpty() || argv.get(0).isEmpty()) {
            throw new IllegalArgumentException("a command begins with the name of a program: " + argv);
        }
        argv.forEach(HostText::require);
        return List.copyOf(argv);
    }
}
