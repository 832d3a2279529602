package io.kloigos.testkit;

import io.kloigos.model.Capability;
import io.kloigos.testkit.FakeTools.Tool;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Set;

/** The commands of a fake host about the packet filter, kernel settings and the SSH server. */
final class KernelTools {
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

    private final FakeMachine machine;
    private final FakeFiles files;
    private final FileTools fileTools;

    KernelTools(FakeMachine machine, FileTools fileTools) {
        this.machine = machine;
        this.files = machine.files;
        this.fileTools = fileTools;
    }

    void addTo(Map<String, Tool> tools) {
        tools.put("nft", this::packetFilter);
        tools.put("unshare", this::inOwnNetwork);
        tools.put("sh", this::script);
        tools.put("systemd-run", this::runUnderSystemd);
        tools.put("sysctl", (arguments, stdin) -> sysctl(arguments));
        tools.put("sshd", (arguments, stdin) -> sshd(arguments));
    }

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
        String said = String.join(" ", arguments.words(1, Arguments.MANY));
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

    private String sysctl(Arguments arguments) {
        String path = arguments.value("-p");
        if (path != null) {
            return load(path);
        }
        arguments.flags("wq");
        arguments.words(1, Arguments.MANY).forEach(this::set);
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
        fileTools.tee(new Arguments(List.of("tee", path)), parts[1].strip() + "\n");
    }

    private String sshd(Arguments arguments) {
        String test = arguments.value("-C");
        String configuration = machine.sshd.configurationFiles();
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
        machine.sshd
                .settings(configuration, user)
                .forEach((key, value) ->
                        out.append(key).append(' ').append(value).append('\n'));
        return out.toString();
    }
}
