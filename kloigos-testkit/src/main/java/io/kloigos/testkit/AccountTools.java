package io.kloigos.testkit;

import io.kloigos.spi.Step.Access;
import io.kloigos.testkit.FakeTools.Tool;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** The commands of a fake host about accounts and groups. */
final class AccountTools {
    private static final Pattern SYSUSER =
            Pattern.compile("u!?\\s+(\\S+)\\s+(\\d+)(?:\\s+\"([^\"]*)\"(?:\\s+(\\S+)(?:\\s+(\\S+))?)?)?");
    private static final int LARGEST_SYSTEM_ID = 999;

    private final FakeMachine machine;
    private final FakeFiles files;

    AccountTools(FakeMachine machine) {
        this.machine = machine;
        this.files = machine.files;
    }

    void addTo(Map<String, Tool> tools) {
        tools.put("getent", (arguments, stdin) -> lookUp(arguments));
        tools.put("systemd-sysusers", (arguments, stdin) -> makeUsers(arguments));
        tools.put("usermod", (arguments, stdin) -> changeUser(arguments));
        tools.put("userdel", (arguments, stdin) -> deleteUser(arguments));
        tools.put("groupdel", (arguments, stdin) -> deleteGroup(arguments));
        tools.put("loginctl", (arguments, stdin) -> loginctl(arguments));
    }

    private String lookUp(Arguments arguments) {
        List<String> words = arguments.words(2, Arguments.MANY);
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
            return expire(arguments);
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

    private String expire(Arguments arguments) {
        String when = arguments.value("-e");
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
}
