package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.Capability;
import io.kloigos.spi.Reading.QuotaKind;
import io.kloigos.spi.Step.Access;
import io.kloigos.testkit.FakeFiles.Node;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The commands of one fake host. Only what Kloigos' plans use is known; anything else fails as unknown, so that a plan
 * which needs more does not pass unseen.
 */
final class FakeTools {
    private static final Map<String, Capability> NEEDED = Map.ofEntries(
            Map.entry("systemd-sysusers", Capability.SYSUSERS),
            Map.entry("setquota", Capability.QUOTA_TOOLS),
            Map.entry("repquota", Capability.QUOTA_TOOLS),
            Map.entry("chattr", Capability.QUOTA_TOOLS),
            Map.entry("keyctl", Capability.KEYCTL),
            Map.entry("ss", Capability.SOCKET_STATISTICS),
            Map.entry("mkfs.ext4", Capability.MKFS_EXT4),
            Map.entry("mkfs.xfs", Capability.MKFS_XFS),
            Map.entry("lvs", Capability.LVM),
            Map.entry("lvcreate", Capability.LVM),
            Map.entry("lvremove", Capability.LVM));
    private static final Set<String> SSHD_KEYWORDS = Set.of(
            "match",
            "include",
            "usepam",
            "authorizedkeysfile",
            "passwordauthentication",
            "kbdinteractiveauthentication",
            "pubkeyauthentication",
            "permitrootlogin",
            "allowusers",
            "allowgroups",
            "denyusers",
            "denygroups",
            "allowtcpforwarding");
    private static final Pattern SYSUSER =
            Pattern.compile("u!?\\s+(\\S+)\\s+(\\d+)(?:\\s+\"([^\"]*)\"(?:\\s+(\\S+)(?:\\s+(\\S+))?)?)?");
    private static final int LARGEST_SYSTEM_ID = 999;

    /** More than any plan names, as on a real host. */
    private static final int MANY = 10_000;

    /** What a command does. */
    private interface Tool {
        String run(Arguments arguments, String stdin);
    }

    private final FakeMachine machine;
    private final FakeFiles files;
    private final Map<String, Tool> tools = new HashMap<>();

    FakeTools(FakeMachine machine) {
        this.machine = machine;
        this.files = machine.files;
        tools.put("true", (arguments, stdin) -> "");
        tools.put("false", (arguments, stdin) -> {
            throw new Refused("");
        });
        tools.put("sleep", (arguments, stdin) -> {
            throw new FakeHost.TimeRanOut();
        });
        tools.put("test", (arguments, stdin) -> test(arguments.all()));
        tools.put("cat", (arguments, stdin) -> cat(arguments));
        tools.put("cp", this::copy);
        tools.put("touch", (arguments, stdin) -> touch(arguments));
        tools.put("tee", this::tee);
        tools.put("ln", (arguments, stdin) -> link(arguments));
        tools.put("mkdir", (arguments, stdin) -> makeDirectory(arguments));
        tools.put("rm", (arguments, stdin) -> remove(arguments));
        tools.put("chown", (arguments, stdin) -> changeOwner(arguments));
        tools.put("chattr", (arguments, stdin) -> changeProject(arguments));
        tools.put("stat", (arguments, stdin) -> status(arguments));
        tools.put("grep", this::search);
        tools.put("find", (arguments, stdin) -> new Finder(arguments.all()).run());
        tools.put("getent", (arguments, stdin) -> lookUp(arguments));
        tools.put("systemd-sysusers", (arguments, stdin) -> makeUsers(arguments));
        tools.put("usermod", (arguments, stdin) -> changeUser(arguments));
        tools.put("chage", (arguments, stdin) -> expire(arguments, "-E"));
        tools.put("userdel", (arguments, stdin) -> deleteUser(arguments));
        tools.put("groupdel", (arguments, stdin) -> deleteGroup(arguments));
        tools.put("systemctl", (arguments, stdin) -> machine.systemd.systemctl(arguments.all()));
        tools.put("loginctl", (arguments, stdin) -> loginctl(arguments));
        tools.put("nft", this::packetFilter);
        tools.put("unshare", this::inOwnNetwork);
        tools.put("sh", this::script);
        tools.put("systemd-run", this::runUnderSystemd);
        tools.put("setquota", this::setQuota);
        tools.put("ss", (arguments, stdin) -> machine.sockets.run(arguments.all()));
        tools.put("repquota", (arguments, stdin) -> reportQuota(arguments));
        tools.put("sysctl", (arguments, stdin) -> sysctl(arguments));
        tools.put("sshd", (arguments, stdin) -> sshd(arguments));
        tools.put("mountpoint", (arguments, stdin) -> mountPoint(arguments));
        tools.put("umount", (arguments, stdin) -> unmount(arguments));
        tools.put("wipefs", (arguments, stdin) -> wipe(arguments));
        tools.put("sync", (arguments, stdin) -> sync(arguments));
        tools.put("lsblk", (arguments, stdin) -> discardMax(arguments));
        tools.put("fstrim", (arguments, stdin) -> trim(arguments));
        tools.put("lvs", (arguments, stdin) -> machine.volumes.show(arguments.only()));
        tools.put("lvcreate", (arguments, stdin) -> createVolume(arguments));
        tools.put("lvremove", (arguments, stdin) -> removeVolume(arguments));
    }

    String run(List<String> argv, String stdin) {
        String command = argv.get(0);
        Tool tool = tools.get(command);
        if (tool == null) {
            throw Refused.unknown(
                    command + ": command not found (the fake host does not know: " + String.join(" ", argv) + ")");
        }
        require(command);
        return tool.run(new Arguments(argv), stdin);
    }

    /** Refuses a command that a host of these capabilities does not have. */
    void require(String command) {
        Capability needed = NEEDED.get(command);
        if (needed != null && !machine.capabilities.contains(needed)) {
            throw new Refused(command + ": command not found");
        }
    }

    /** The words after a command's name, with its options taken out as they are asked for. */
    private static final class Arguments {
        private final List<String> argv;
        private final List<String> rest;

        Arguments(List<String> argv) {
            this.argv = argv;
            this.rest = new ArrayList<>(argv.subList(1, argv.size()));
        }

        List<String> all() {
            return rest;
        }

        /** Takes out single-letter options, alone or in a bundle, and returns those found. */
        Set<Character> flags(String known) {
            Set<Character> flags = new TreeSet<>();
            for (String word : List.copyOf(rest)) {
                if (word.equals("--")) {
                    rest.remove(word);
                    break;
                }
                if (!word.startsWith("-") || word.length() < 2) {
                    continue;
                }
                for (char flag : word.substring(1).toCharArray()) {
                    if (known.indexOf(flag) < 0) {
                        throw unknown();
                    }
                    flags.add(flag);
                }
                rest.remove(word);
            }
            return flags;
        }

        /** Takes out an option with its value. */
        @Nullable
        String value(String option) {
            int at = rest.indexOf(option);
            if (at < 0 || at + 1 >= rest.size()) {
                return null;
            }
            rest.remove(at);
            return rest.remove(at);
        }

        boolean take(String option) {
            return rest.remove(option);
        }

        /** Returns the words that remain, which must be so many, none of them an option. */
        List<String> words(int least, int most) {
            if (rest.size() < least || rest.size() > most) {
                throw unknown();
            }
            return rest;
        }

        String only() {
            return words(1, 1).get(0);
        }

        Refused unknown() {
            return Refused.unknown(argv.get(0) + ": the fake host does not know: " + String.join(" ", argv));
        }
    }

    // -- files ------------------------------------------------------------------------------------------------------

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
        arguments.words(1, MANY).forEach(path -> out.append(files.file(path).text));
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
        for (String path : arguments.words(1, MANY)) {
            if (files.find(path) == null) {
                files.write(path, "", Access.rootFile());
            }
        }
        return "";
    }

    private String tee(Arguments arguments, String stdin) {
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

    private String makeDirectory(Arguments arguments) {
        String mode = arguments.value("-m");
        Access access = mode == null ? Access.rootDirectory() : new Access(0, Integer.parseInt(mode, 8));
        boolean parents = arguments.flags("p").contains('p');
        for (String path : arguments.words(1, MANY)) {
            Node there = files.find(path);
            if (there == null) {
                if (parents) {
                    files.makeAll(FakeFiles.above(path));
                }
                files.makeDirectory(path, access);
            } else if (!parents || !there.isDirectory()) {
                throw new Refused("mkdir: cannot create directory '" + path + "': File exists");
            }
        }
        return "";
    }

    private String remove(Arguments arguments) {
        arguments.take("--one-file-system");
        Set<Character> flags = arguments.flags("rf");
        for (String path : arguments.words(1, MANY)) {
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
        List<String> words = arguments.words(2, MANY);
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
        if (project == null || !arguments.take("+P")) {
            throw arguments.unknown();
        }
        for (String path : arguments.words(1, MANY)) {
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
        for (String path : arguments.words(1, MANY)) {
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

    // -- accounts ---------------------------------------------------------------------------------------------------

    private String lookUp(Arguments arguments) {
        List<String> words = arguments.words(2, MANY);
        StringBuilder found = new StringBuilder();
        for (String key : words.subList(1, words.size())) {
            Optional<String> entry =
                    switch (words.get(0)) {
                        case "passwd" -> passwd(key);
                        case "group" -> group(key);
                        default -> throw arguments.unknown();
                    };
            found.append(entry.orElseThrow(() -> new Refused(""))).append('\n');
        }
        return found.toString();
    }

    private Optional<String> passwd(String key) {
        return machine.accounts.values().stream()
                .filter(account -> account.name().equals(key) || key.equals("" + account.uid()))
                .findFirst()
                .map(FakeMachine.Account::passwd);
    }

    private Optional<String> group(String key) {
        return machine.groups.values().stream()
                .filter(group -> group.name().equals(key) || key.equals("" + group.gid()))
                .findFirst()
                .map(FakeMachine.Group::line);
    }

    private String makeUsers(Arguments arguments) {
        for (String line : files.file(arguments.only()).text.split("\n", -1)) {
            if (line.isBlank() || line.startsWith("#")) {
                continue;
            }
            String[] words = line.split("\\s+", -1);
            Matcher user = SYSUSER.matcher(line);
            if (words[0].equals("g")) {
                machine.groups.computeIfAbsent(words[1], name -> group(name, freeSystemId()));
            } else if (words[0].equals("m")) {
                FakeMachine.Group group = machine.groups.computeIfAbsent(words[2], name -> group(name, freeSystemId()));
                group.members().add(words[1]);
            } else if (user.matches()) {
                makeUser(user);
            } else {
                throw new Refused("systemd-sysusers: Failed to parse line: " + line);
            }
        }
        return "";
    }

    private void makeUser(Matcher user) {
        String name = user.group(1);
        if (machine.accounts.containsKey(name)) {
            return;
        }
        int asked = Integer.parseInt(user.group(2));
        // systemd-sysusers takes another id where the one asked for is in use.
        boolean free = machine.account(asked) == null
                && machine.groups.values().stream()
                        .allMatch(group -> group.gid() != asked || group.name().equals(name));
        int uid = free ? asked : freeSystemId();
        files.requireRoom("/etc/passwd");
        FakeMachine.Group group = machine.groups.computeIfAbsent(name, n -> group(n, uid));
        machine.accounts.put(
                name,
                new FakeMachine.Account(
                        name,
                        uid,
                        group.gid(),
                        user.group(3) == null ? "" : user.group(3),
                        user.group(4) == null ? "/" : user.group(4),
                        user.group(5) == null ? "/usr/sbin/nologin" : user.group(5),
                        false));
    }

    private static FakeMachine.Group group(String name, int gid) {
        return new FakeMachine.Group(name, gid, new TreeSet<>());
    }

    private int freeSystemId() {
        int id = LARGEST_SYSTEM_ID;
        while (isTaken(id)) {
            id--;
        }
        return id;
    }

    private boolean isTaken(int id) {
        return machine.account(id) != null || machine.groups.values().stream().anyMatch(group -> group.gid() == id);
    }

    private String changeUser(Arguments arguments) {
        String gecos = arguments.value("-c");
        String shell = arguments.value("-s");
        if (gecos == null || shell == null) {
            return expire(arguments, "-e");
        }
        String name = arguments.only();
        FakeMachine.Account account = machine.accounts.get(name);
        if (account == null) {
            throw new Refused("usermod: user '" + name + "' does not exist");
        }
        files.requireRoom("/etc/passwd");
        machine.accounts.put(name, account.described(gecos, shell));
        return "";
    }

    private String expire(Arguments arguments, String option) {
        String when = arguments.value(option);
        if (when == null) {
            throw arguments.unknown();
        }
        String name = arguments.only();
        FakeMachine.Account account = machine.accounts.get(name);
        if (account == null) {
            throw new Refused("usermod: user '" + name + "' does not exist");
        }
        files.requireRoom("/etc/shadow");
        machine.accounts.put(name, account.expired(!when.isEmpty() && !when.equals("-1")));
        return "";
    }

    private String deleteUser(Arguments arguments) {
        String name = arguments.only();
        FakeMachine.Account account = machine.accounts.get(name);
        if (account == null) {
            throw new Refused("userdel: user '" + name + "' does not exist");
        }
        machine.processes().stream()
                .filter(process -> process.uid() == account.uid())
                .findFirst()
                .ifPresent(process -> {
                    throw new Refused("userdel: user " + name + " is currently used by process " + process.pid());
                });
        machine.accounts.remove(name);
        machine.groups.remove(name);
        machine.groups.values().forEach(group -> group.members().remove(name));
        return "";
    }

    private String deleteGroup(Arguments arguments) {
        String name = arguments.only();
        FakeMachine.Group group = machine.groups.get(name);
        if (group == null) {
            throw new Refused("groupdel: group '" + name + "' does not exist");
        }
        machine.accounts.values().stream()
                .filter(account -> account.gid() == group.gid())
                .findFirst()
                .ifPresent(account -> {
                    throw new Refused("groupdel: cannot remove the primary group of user '" + account.name() + "'");
                });
        machine.groups.remove(name);
        return "";
    }

    private String loginctl(Arguments arguments) {
        List<String> words = arguments.words(2, 2);
        FakeMachine.Account account = machine.accounts.get(words.get(1));
        if (account == null) {
            throw new Refused("Failed to look up user " + words.get(1) + ": No such process");
        }
        switch (words.get(0)) {
            case "enable-linger" -> files.put("/var/lib/systemd/linger/" + account.name(), "", Access.rootFile());
            case "disable-linger" -> files.remove("/var/lib/systemd/linger/" + account.name());
            case "terminate-user" -> machine.systemd.systemctl(List.of("stop", "user-" + account.uid() + ".slice"));
            default -> throw arguments.unknown();
        }
        return "";
    }

    // -- packet filter, quotas, kernel ------------------------------------------------------------------------------

    private String packetFilter(Arguments arguments, String stdin) {
        if (!machine.capabilities.contains(Capability.NFT_UID_PORTS)) {
            throw new Refused("nft: command not found");
        }
        arguments.take("-n");
        arguments.take("-nn");
        String path = arguments.value("-f");
        if (path != null) {
            machine.nftables.run(path.equals("-") ? stdin : files.file(path).text, this::included);
            return "";
        }
        String said = String.join(" ", arguments.words(1, MANY));
        String[] words = said.split("\\s+", -1);
        if (words.length > 5 && words[0].equals("get") && words[1].equals("element")) {
            List<String> found = new ArrayList<>();
            for (String element :
                    said.substring(said.indexOf('{') + 1, said.lastIndexOf('}')).split(",", -1)) {
                found.add(machine.nftables
                        .get(words[2] + " " + words[3], words[4], FakeNftables.Element.parse(element))
                        .map(FakeNftables.Element::toString)
                        .orElseThrow(() ->
                                new Refused("Error: Could not process rule: No such file or directory\n" + said)));
            }
            return "\t\telements = { " + String.join(", ", found) + " }\n";
        }
        if (words[0].equals("list")) {
            return switch (words[1]) {
                case "table" -> machine.nftables.list(words[2] + " " + words[3]);
                case "set" -> machine.nftables.listSet(words[2] + " " + words[3], words[4]);
                case "tables" -> machine.nftables.listTables();
                default -> throw arguments.unknown();
            };
        }
        machine.nftables.run(said, this::included);
        return "";
    }

    /** Loads rules where nobody else is, and lists them. */
    private String inOwnNetwork(Arguments arguments, String stdin) {
        List<String> words = arguments.all();
        String script = "nft -f \"$0\" && nft -nn list table inet kloigos";
        if (words.size() != 5 || !words.subList(0, 4).equals(List.of("--net", "sh", "-c", script))) {
            throw arguments.unknown();
        }
        FakeNftables own = new FakeNftables();
        own.run(files.file(words.get(4)).text, this::included);
        return own.list("inet kloigos");
    }

    /** The one script that plans have: it ends who holds ports of others. */
    private String script(Arguments arguments, String stdin) {
        List<String> words = arguments.all();
        if (words.size() < 5 || !words.get(0).equals("-c") || !words.get(1).contains("cgroup.freeze")) {
            throw arguments.unknown();
        }
        int uid = Integer.parseInt(words.get(3));
        words.subList(4, words.size()).forEach(port -> machine.sockets.endHolders(uid, port));
        return "";
    }

    /** Runs a program that wants a port which systemd is told to refuse; where nothing refuses it, its time runs out. */
    private String runUnderSystemd(Arguments arguments, String stdin) {
        List<String> words = arguments.all();
        if (!words.contains("systemd-socket-activate") || !words.contains("SuccessExitStatus=1")) {
            throw arguments.unknown();
        }
        if (!machine.capabilities.contains(Capability.SYSTEMD_BPF)) {
            throw new Refused(
                    "Finished with result: exit-code\nMain processes terminated with: code=exited/status=124");
        }
        return "";
    }

    private List<String> included(String pattern) {
        String name = FakeFiles.lastOf(pattern);
        int star = name.indexOf('*');
        if (star < 0) {
            return List.of(files.file(pattern).text);
        }
        List<String> texts = new ArrayList<>();
        files.texts(FakeFiles.above(pattern), name.substring(star + 1)).forEach((path, text) -> {
            if (FakeFiles.lastOf(path).startsWith(name.substring(0, star))) {
                texts.add(text);
            }
        });
        return texts;
    }

    private String setQuota(Arguments arguments, String stdin) {
        QuotaKind kind = arguments.take("-u") ? QuotaKind.USER : QuotaKind.PROJECT;
        if (kind == QuotaKind.PROJECT && !arguments.take("-P")) {
            throw arguments.unknown();
        }
        boolean grace = arguments.take("-t");
        boolean batch = arguments.take("-b");
        List<String> words = batch ? arguments.words(1, 1) : grace ? arguments.words(3, 3) : arguments.words(6, 6);
        String mountPoint = words.get(words.size() - 1);
        FakeFiles.Mounted mount = files.mountedOn(mountPoint);
        if (mount == null || !FakeMachine.enforces(mount.facts, kind)) {
            throw new Refused("setquota: Mountpoint (or device) " + mountPoint + " not found or has no quota enabled.\n"
                    + "setquota: Not all specified mountpoints are using quota.");
        }
        if (grace) {
            return "";
        }
        String source = mount.facts.source();
        if (batch) {
            stdin.lines().forEach(line -> setQuota(kind, List.of(line.split(" ", -1)), source));
        } else {
            setQuota(kind, words, source);
        }
        return "";
    }

    private void setQuota(QuotaKind kind, List<String> words, String source) {
        FakeMachine.QuotaKey key = new FakeMachine.QuotaKey(kind, Integer.parseInt(words.get(0)), source);
        int limit = kind == QuotaKind.USER ? 2 : 1;
        String limits = Long.parseLong(words.get(limit)) + " " + Long.parseLong(words.get(limit + 2));
        if (limits.equals("0 0")) {
            machine.quotas.remove(key);
        } else {
            machine.quotas.put(key, limits);
        }
    }

    /** What users have stored on a file system, and may: a file takes whole blocks of 4 KiB. */
    private String reportQuota(Arguments arguments) {
        if (!arguments.flags("unp").equals(Set.of('n', 'p', 'u'))) {
            throw arguments.unknown();
        }
        FakeFiles.Mounted mount = files.mountedOn(arguments.only());
        if (mount == null || !FakeMachine.enforces(mount.facts, QuotaKind.USER)) {
            throw new Refused("repquota: Mountpoint (or device) not found or has no quota enabled.");
        }
        Map<Integer, long[]> used = new java.util.TreeMap<>();
        files.visit("/", (path, node) -> {
            if (files.mountOf(path).facts.source().equals(mount.facts.source())) {
                long[] sums = used.computeIfAbsent(node.uid, uid -> new long[2]);
                sums[0] += node.isFile() ? (node.text.length() + 4095) / 4096 * 4 : 4;
                sums[1]++;
            }
        });
        StringBuilder out = new StringBuilder();
        used.forEach((uid, sums) -> {
            String[] limits = machine.quotas
                    .getOrDefault(new FakeMachine.QuotaKey(QuotaKind.USER, uid, mount.facts.source()), "0 0")
                    .split(" ", -1);
            out.append(String.format(
                    "#%-9d -- %7d %7d %7s %5d %5d %5d %5s %5d%n",
                    uid, sums[0], 0, limits[0], 0, sums[1], 0, limits[1], 0));
        });
        return out.toString();
    }

    private String sysctl(Arguments arguments) {
        String path = arguments.value("-p");
        if (path != null) {
            return load(path);
        }
        arguments.flags("wq");
        arguments.words(1, MANY).forEach(this::set);
        return "";
    }

    private String load(String path) {
        files.file(path)
                .text
                .lines()
                .filter(line -> !line.startsWith("#") && line.contains("="))
                .forEach(line -> set(line.replaceFirst("^-", "")));
        return "";
    }

    private void set(String assignment) {
        String[] parts = assignment.split("=", 2);
        if (parts.length < 2) {
            throw Refused.unknown("sysctl: the fake host does not know: " + assignment);
        }
        String path = "/proc/sys/" + parts[0].strip().replace('.', '/');
        tee(new Arguments(List.of("tee", path)), parts[1].strip() + "\n");
    }

    private String sshd(Arguments arguments) {
        String test = arguments.value("-C");
        String configuration = machine.sshConfigurationFiles();
        for (String line : configuration.split("\n", -1)) {
            String keyword = line.strip().split("\\s+", 2)[0].toLowerCase(java.util.Locale.ROOT);
            if (!keyword.isEmpty() && !keyword.startsWith("#") && !SSHD_KEYWORDS.contains(keyword)) {
                throw new Refused("sshd: Bad configuration option: " + keyword);
            }
        }
        Set<Character> flags = arguments.flags("tT");
        if (flags.contains('t')) {
            return "";
        }
        String user = "";
        for (String part : test == null ? new String[0] : test.split(",", -1)) {
            user = part.startsWith("user=") ? part.substring("user=".length()) : user;
        }
        StringBuilder out = new StringBuilder();
        machine.sshSettings(configuration, user)
                .forEach((key, value) ->
                        out.append(key).append(' ').append(value).append('\n'));
        return out.toString();
    }

    private String mountPoint(Arguments arguments) {
        arguments.flags("q");
        if (files.mountedOn(arguments.only()) == null) {
            throw new Refused("");
        }
        return "";
    }

    private String unmount(Arguments arguments) {
        arguments.flags("l");
        machine.umount(arguments.only());
        return "";
    }

    private String sync(Arguments arguments) {
        arguments.flags("f");
        if (files.find(arguments.only()) == null) {
            throw new Refused("sync: error opening '" + arguments.only() + "': No such file or directory");
        }
        return "";
    }

    private String trim(Arguments arguments) {
        arguments.take("--quiet-unsupported");
        if (files.mountedOn(arguments.only()) == null) {
            throw new Refused("fstrim: " + arguments.only() + ": not a mountpoint");
        }
        return "";
    }

    private String discardMax(Arguments arguments) {
        if (!"DISC-MAX".equals(arguments.value("-bdno"))) {
            throw arguments.unknown();
        }
        FakeMachine.Disk disk = machine.disk(arguments.only());
        if (disk == null) {
            throw new Refused("lsblk: " + arguments.only() + ": not a block device");
        }
        return disk.discards ? "2147450880\n" : "0\n";
    }

    private String createVolume(Arguments arguments) {
        String size = arguments.value("-L");
        String name = arguments.value("-n");
        String wipes = arguments.value("-W");
        if (size == null || name == null || !"y".equals(wipes) || !arguments.take("-y") || !size.endsWith("b")) {
            throw arguments.unknown();
        }
        long bytes = Long.parseLong(size.substring(0, size.length() - 1));
        return machine.volumes.create(arguments.only(), name, new ByteSize(bytes));
    }

    private String removeVolume(Arguments arguments) {
        if (!arguments.take("-y") || !"devices/issue_discards=1".equals(arguments.value("--config"))) {
            throw arguments.unknown();
        }
        String path = arguments.only();
        if (files.mounts().stream().anyMatch(mount -> mount.facts.source().equals("/dev/" + path))) {
            throw new Refused("  Logical volume " + path + " contains a filesystem in use.");
        }
        FakeMachine.Disk removed = machine.volumes.remove(path);
        machine.blank(removed);
        return "";
    }

    private String wipe(Arguments arguments) {
        boolean all = arguments.flags("an").contains('a');
        FakeMachine.Disk disk = machine.disk(arguments.only());
        if (disk == null) {
            throw new Refused("wipefs: error: " + arguments.only() + ": probing initialization failed: No such file or"
                    + " directory");
        }
        if (all) {
            if (files.mounts().stream().anyMatch(mount -> mount.facts.source().equals(disk.path))) {
                throw new Refused("wipefs: error: " + disk.path + ": probing initialization failed: Device or resource"
                        + " busy");
            }
            machine.blank(disk);
            return "";
        }
        return disk.signature.isEmpty() ? "" : disk.signature + " " + disk.label + "\n";
    }
}
