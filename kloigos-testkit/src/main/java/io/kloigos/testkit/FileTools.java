package io.kloigos.testkit;

import io.kloigos.spi.Step.Access;
import io.kloigos.testkit.FakeFiles.Node;
import io.kloigos.testkit.FakeTools.Tool;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The commands of a fake host that look at files or change them. */
final class FileTools {
    private final FakeMachine machine;
    private final FakeFiles files;

    FileTools(FakeMachine machine) {
        this.machine = machine;
        this.files = machine.files;
    }

    void addTo(Map<String, Tool> tools) {
        tools.put("test", (arguments, stdin) -> test(arguments.all()));
        tools.put("cat", (arguments, stdin) -> cat(arguments));
        tools.put("cp", this::copy);
        tools.put("touch", (arguments, stdin) -> touch(arguments));
        tools.put("tee", this::tee);
        tools.put("ln", (arguments, stdin) -> link(arguments));
        tools.put("mv", (arguments, stdin) -> move(arguments));
        tools.put("rm", (arguments, stdin) -> remove(arguments));
        tools.put("chown", (arguments, stdin) -> changeOwner(arguments));
        tools.put("chattr", (arguments, stdin) -> changeProject(arguments));
        tools.put("stat", (arguments, stdin) -> status(arguments));
        tools.put("grep", this::search);
        tools.put("find", (arguments, stdin) -> new Finder(arguments.all()).run());
    }

    private String test(List<String> words) {
        boolean negated = words.size() > 1 && words.get(0).equals("!");
        if (evaluate(negated ? words.subList(1, words.size()) : words) == negated) {
            throw new Refused("");
        }
        return "";
    }

    private boolean evaluate(List<String> words) {
        if (words.size() == 3) {
            boolean equal = words.get(0).equals(words.get(2));
            return switch (words.get(1)) {
                case "=" -> equal;
                case "!=" -> !equal;
                case "-ef" -> files.find(words.get(0)) != null && files.find(words.get(0)) == files.find(words.get(2));
                default -> throw Refused.unknown("test: the fake host does not know: " + words);
            };
        }
        if (words.size() == 2) {
            String operand = words.get(1);
            Node node = operand.startsWith("/") ? files.find(operand) : null;
            return switch (words.get(0)) {
                case "-n" -> !operand.isEmpty();
                case "-z" -> operand.isEmpty();
                case "-e" -> node != null;
                case "-f" -> node != null && node.isFile();
                case "-d" -> node != null && node.isDirectory();
                case "-s" -> node != null && (node.isDirectory() || !node.text.isEmpty());
                case "-L", "-h" -> {
                    Node here = files.findHere(operand);
                    yield here != null && here.link;
                }
                default -> throw Refused.unknown("test: the fake host does not know: " + words);
            };
        }
        throw Refused.unknown("test: the fake host does not know: " + words);
    }

    private String cat(Arguments arguments) {
        StringBuilder out = new StringBuilder();
        arguments.words(1, Arguments.MANY).forEach(path -> out.append(files.file(path).text));
        return out.toString();
    }

    private String copy(Arguments arguments, String stdin) {
        Set<Character> flags = arguments.flags("rRaTpfP");
        List<String> words = arguments.words(2, 2);
        Node source =
                words.get(0).equals("/dev/stdin") ? Node.file(stdin, Access.rootFile()) : files.find(words.get(0));
        if (source == null) {
            throw new Refused("cp: cannot stat '" + words.get(0) + "': No such file or directory");
        }
        String target = words.get(1);
        Node there = files.find(target);
        if (there != null && there.isDirectory() && !flags.contains('T')) {
            target = target + "/" + FakeFiles.lastOf(words.get(0));
        }
        boolean recursive = flags.contains('r') || flags.contains('R') || flags.contains('a');
        if (source.isDirectory() && !recursive) {
            throw new Refused("cp: -r not specified; omitting directory '" + words.get(0) + "'");
        }
        merge(FakeFiles.copy(source), target);
        return "";
    }

    private void merge(Node copy, String target) {
        Node there = files.find(target);
        if (there != null && there.isDirectory()) {
            if (!copy.isDirectory()) {
                throw new Refused("cp: cannot overwrite directory '" + target + "' with non-directory");
            }
            copy.list().forEach((name, entry) -> merge(entry, target + "/" + name));
        } else if (there != null && copy.isFile()) {
            there.text = copy.text;
        } else if (there != null) {
            throw new Refused("cp: cannot overwrite non-directory '" + target + "'");
        } else {
            Node parent = files.parentOf(target);
            files.requireRoom(target);
            copy.project = parent.project;
            parent.list().put(FakeFiles.lastOf(target), copy);
        }
    }

    private String touch(Arguments arguments) {
        for (String path : arguments.words(1, Arguments.MANY)) {
            if (files.find(path) == null) {
                files.write(path, "", Access.rootFile());
            }
        }
        return "";
    }

    String tee(Arguments arguments, String stdin) {
        String path = arguments.only();
        String text = path.equals("/proc/sys/net/ipv4/ip_local_reserved_ports") ? ports(stdin) : stdin;
        if (path.startsWith("/proc/") && files.find(path) == null) {
            throw new Refused("tee: " + path + ": No such file or directory");
        }
        files.put(path, text, Access.rootFile());
        return stdin;
    }

    /** Returns a list of ports as the kernel prints it back: in order, neighbours joined. */
    private static String ports(String text) {
        BitSet ports = new BitSet();
        for (String part : text.strip().split(",", -1)) {
            if (!part.isBlank()) {
                if (!part.matches("\\d{1,5}(-\\d{1,5})?")) {
                    throw new Refused("write error: Invalid argument");
                }
                String[] ends = part.split("-", -1);
                int first = Integer.parseInt(ends[0]);
                int last = Integer.parseInt(ends[ends.length - 1]);
                if (last > 65535 || last < first) {
                    throw new Refused("write error: Invalid argument");
                }
                ports.set(first, last + 1);
            }
        }
        List<String> spans = new ArrayList<>();
        for (int first = ports.nextSetBit(0); first >= 0; ) {
            int end = ports.nextClearBit(first);
            spans.add(end - 1 == first ? "" + first : first + "-" + (end - 1));
            first = ports.nextSetBit(end);
        }
        return String.join(",", spans) + "\n";
    }

    private String link(Arguments arguments) {
        if (!arguments.flags("sfn").contains('s')) {
            throw arguments.unknown();
        }
        List<String> words = arguments.words(2, 2);
        if (files.findHere(words.get(1)) != null) {
            throw new Refused("ln: failed to create symbolic link '" + words.get(1) + "': File exists");
        }
        files.requireRoom(words.get(1));
        files.parentOf(words.get(1)).list().put(FakeFiles.lastOf(words.get(1)), Node.link(words.get(0), 0));
        return "";
    }

    /** As rename(2) does: what is there before must be an empty directory. */
    private String move(Arguments arguments) {
        if (!arguments.flags("T").contains('T')) {
            throw arguments.unknown();
        }
        List<String> words = arguments.words(2, 2);
        Node moved = files.findHere(words.get(0));
        Node there = files.findHere(words.get(1));
        if (moved == null) {
            throw new Refused("mv: cannot stat '" + words.get(0) + "': No such file or directory");
        }
        if (!moved.isDirectory() || there == null || !there.isDirectory()) {
            throw arguments.unknown();
        }
        if (!there.list().isEmpty()) {
            throw new Refused("mv: cannot move '" + words.get(0) + "' to '" + words.get(1) + "': Directory not empty");
        }
        files.parentOf(words.get(1)).list().put(FakeFiles.lastOf(words.get(1)).intern(), moved);
        files.parentOf(words.get(0)).list().remove(FakeFiles.lastOf(words.get(0)));
        return "";
    }

    private String remove(Arguments arguments) {
        arguments.take("--one-file-system");
        Set<Character> flags = arguments.flags("rf");
        for (String path : arguments.words(1, Arguments.MANY)) {
            Node there = files.findHere(path);
            if (there == null && !flags.contains('f')) {
                throw new Refused("rm: cannot remove '" + path + "': No such file or directory");
            }
            if (there != null && there.isDirectory() && !flags.contains('r')) {
                throw new Refused("rm: cannot remove '" + path + "': Is a directory");
            }
            files.remove(path);
        }
        return "";
    }

    private String changeOwner(Arguments arguments) {
        boolean recursive = arguments.flags("hR").contains('R');
        List<String> words = arguments.words(2, Arguments.MANY);
        String[] owner = words.get(0).split(":", -1);
        int uid = id(owner[0], true);
        int gid = owner.length > 1 ? id(owner[1], false) : -1;
        for (String path : words.subList(1, words.size())) {
            if (files.findHere(path) == null) {
                throw new Refused("chown: cannot access '" + path + "': No such file or directory");
            }
            files.visit(path, (at, node) -> {
                if (recursive || at.equals(path)) {
                    node.uid = uid;
                    node.gid = gid < 0 ? node.gid : gid;
                }
            });
        }
        return "";
    }

    private int id(String text, boolean user) {
        if (text.matches("\\d+")) {
            return Integer.parseInt(text);
        }
        FakeMachine.Account account = machine.accounts.get(text);
        FakeMachine.Group group = machine.groups.get(text);
        if (user ? account == null : group == null) {
            throw new Refused("chown: invalid " + (user ? "user" : "group") + ": '" + text + "'");
        }
        return account != null && user ? account.uid() : group == null ? -1 : group.gid();
    }

    private String changeProject(Arguments arguments) {
        String project = arguments.value("-p");
        if (project == null || !(arguments.take("+P") || arguments.take("-P"))) {
            throw arguments.unknown();
        }
        for (String path : arguments.words(1, Arguments.MANY)) {
            Node node = files.find(path);
            if (node == null) {
                throw new Refused("chattr: No such file or directory while trying to stat " + path);
            }
            if (!files.mountOf(path).facts.enforcesProjectQuota() || !node.isDirectory()) {
                throw new Refused("chattr: Operation not supported while setting project on " + path);
            }
            node.project = Integer.parseInt(project);
        }
        return "";
    }

    private String status(Arguments arguments) {
        String format = arguments.value("-c");
        if (format == null) {
            throw arguments.unknown();
        }
        StringBuilder out = new StringBuilder();
        for (String path : arguments.words(1, Arguments.MANY)) {
            Node node = files.findHere(path);
            if (node == null) {
                throw new Refused("stat: cannot statx '" + path + "': No such file or directory");
            }
            String line = format.replace("%u", "" + node.uid)
                    .replace("%g", "" + node.gid)
                    .replace("%a", Integer.toOctalString(node.mode))
                    .replace("%n", path)
                    .replace("%m", files.mountOf(path).point)
                    .replace(
                            "%F",
                            node.isDirectory()
                                    ? "directory"
                                    : node.link
                                            ? "symbolic link"
                                            : node.text.isEmpty() ? "regular empty file" : "regular file");
            if (line.matches("(?s).*%[a-zA-Z].*")) {
                throw arguments.unknown();
            }
            out.append(line).append('\n');
        }
        return out.toString();
    }

    private String search(Arguments arguments, String stdin) {
        Set<Character> flags = arguments.flags("qxEFv");
        List<String> words = arguments.words(1, 2);
        String text;
        if (words.size() == 1) {
            text = stdin;
        } else if (words.get(1).equals("/etc/shadow")) {
            text = shadow();
        } else {
            text = files.file(words.get(1)).text;
        }
        Pattern pattern = Pattern.compile(words.get(0), flags.contains('F') ? Pattern.LITERAL : 0);
        String found = String.join(
                "",
                text.lines()
                        .filter(line -> {
                            Matcher matcher = pattern.matcher(line);
                            return flags.contains('x') ? matcher.matches() : matcher.find();
                        })
                        .map(line -> line + "\n")
                        .toList());
        if (found.isEmpty()) {
            throw new Refused("");
        }
        return flags.contains('q') ? "" : found;
    }

    private String shadow() {
        StringBuilder out = new StringBuilder();
        machine.accounts
                .values()
                .forEach(account -> out.append(account.name())
                        .append(":!*:20000:0:99999:7::")
                        .append(account.expired() ? "1" : "")
                        .append(":\n"));
        return out.toString();
    }

    /** A run of {@code find}: start, tests and {@code -delete}. */
    private final class Finder {
        private final Deque<String> words;
        private int depth = Integer.MAX_VALUE;
        private boolean delete;

        Finder(List<String> words) {
            this.words = new ArrayDeque<>(words);
        }

        String run() {
            String start = words.pop();
            Predicate<String> wanted = any();
            if (!words.isEmpty()) {
                throw Refused.unknown("find: the fake host does not know: " + words);
            }
            int above = (int) start.chars().filter(c -> c == '/').count();
            List<String> found = new ArrayList<>();
            files.existing(start);
            files.visit(start, (path, node) -> {
                if (path.chars().filter(c -> c == '/').count() - above <= depth && wanted.test(path)) {
                    found.add(path);
                }
            });
            if (delete) {
                found.forEach(files::remove);
                return "";
            }
            return String.join("", found.stream().map(path -> path + "\n").toList());
        }

        private Predicate<String> any() {
            Predicate<String> all = all();
            while (!words.isEmpty() && words.peek().equals("-o")) {
                words.pop();
                all = all.or(all());
            }
            return all;
        }

        private Predicate<String> all() {
            Predicate<String> all = path -> true;
            while (!words.isEmpty()
                    && !words.peek().equals("-o")
                    && !words.peek().equals(")")) {
                all = all.and(one());
            }
            return all;
        }

        private Predicate<String> one() {
            String word = words.pop();
            switch (word) {
                case "(" -> {
                    Predicate<String> inside = any();
                    words.pop();
                    return inside;
                }
                case "-maxdepth" -> {
                    depth = Integer.parseInt(words.pop());
                    return path -> true;
                }
                case "-delete" -> {
                    delete = true;
                    return path -> true;
                }
                case "-false" -> {
                    return path -> false;
                }
                case "-name" -> {
                    String name = words.pop();
                    return path -> FakeFiles.lastOf(path).equals(name);
                }
                case "-type" -> {
                    boolean directory = words.pop().equals("d");
                    return path -> directory == isDirectory(path);
                }
                case "-empty" -> {
                    return path -> isEmpty(path);
                }
                default -> throw Refused.unknown("find: the fake host does not know: " + word);
            }
        }

        private boolean isDirectory(String path) {
            Node node = files.findHere(path);
            return node != null && node.isDirectory();
        }

        private boolean isEmpty(String path) {
            Node node = files.findHere(path);
            return node != null && (node.entries == null ? node.text.isEmpty() : node.entries.isEmpty());
        }
    }
}
