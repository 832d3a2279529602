package io.kloigos.testkit;

import io.kloigos.model.ByteSize;
import io.kloigos.model.CpuSet;
import io.kloigos.model.PortRange;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.TreeMap;

/** The SSH server of a fake machine. */
final class FakeSshd {
    private final FakeMachine machine;
    private final FakeFiles files;
    private String configuration = "";

    FakeSshd(FakeMachine machine) {
        this.machine = machine;
        this.files = machine.files;
    }

    void reload() {
        configuration = configurationFiles();
    }

    /** Returns what sshd last read. */
    String configuration() {
        return configuration;
    }

    String configurationFiles() {
        StringBuilder out = new StringBuilder();
        for (String line : files.file("/etc/ssh/sshd_config").text.split("\n", -1)) {
            if (line.equals("Include /etc/ssh/sshd_config.d/*.conf")) {
                files.texts("/etc/ssh/sshd_config.d", ".conf")
                        .values()
                        .forEach(text -> out.append(text).append('\n'));
                out.append("Match all\n");
            } else {
                out.append(line).append('\n');
            }
        }
        return out.toString();
    }

    /** Returns what sshd, as it last read its files, does for a user: the first value of each keyword, in lower case. */
    Map<String, String> settings(String configuration, String user) {
        Map<String, String> settings = new TreeMap<>();
        boolean matches = true;
        for (String line : configuration.split("\n", -1)) {
            String[] words = line.strip().split("\\s+", 2);
            if (words[0].isEmpty() || words[0].startsWith("#")) {
                continue;
            }
            if (words.length < 2) {
                throw new Refused("sshd: " + words[0] + ": missing argument.");
            }
            String key = words[0].toLowerCase(Locale.ROOT);
            if (key.equals("match")) {
                matches = matches(words[1], user);
            } else if (matches) {
                settings.putIfAbsent(key, words[1]);
            }
        }
        return settings;
    }

    private boolean matches(String criteria, String user) {
        String[] words = criteria.split("\\s+", -1);
        return switch (words[0].toLowerCase(Locale.ROOT)) {
            case "all" -> true;
            case "user" -> List.of(words[1].split(",", -1)).contains(user);
            case "group" -> List.of(words[1].split(",", -1)).stream().anyMatch(group -> isMember(user, group));
            default -> throw Refused.unknown("sshd: the fake host does not know: Match " + criteria);
        };
    }

    /** sshd reads a file of keys as the user who logs in. */
    private static boolean mayRead(FakeMachine.Account account, FakeFiles.Node file) {
        int bits = file.uid == account.uid() ? 0400 : file.gid == account.gid() ? 0040 : 0004;
        return (file.mode & bits) != 0;
    }

    boolean isMember(String user, String group) {
        FakeMachine.Group found = machine.groups.get(group);
        FakeMachine.Account account = machine.accounts.get(user);
        return found != null && (found.members().contains(user) || (account != null && account.gid() == found.gid()));
    }

    /** Returns what a login as the user meets. */
    TenantLogin login(String user) {
        FakeMachine.Account account = machine.accounts.get(user);
        if (account == null) {
            return TenantLogin.refused("there is no user " + user);
        }
        if (account.expired()) {
            return TenantLogin.refused("the account " + user + " has expired");
        }
        Map<String, String> settings = settings(configuration, user);
        String groups = settings.get("allowgroups");
        if (groups != null && List.of(groups.split("\\s+", -1)).stream().noneMatch(group -> isMember(user, group))) {
            return TenantLogin.refused("sshd has AllowGroups " + groups + ", and " + user + " is in none of them");
        }
        String users = settings.get("allowusers");
        if (users != null && !List.of(users.split("\\s+", -1)).contains(user)) {
            return TenantLogin.refused("sshd has AllowUsers " + users);
        }
        List<String> keys = new ArrayList<>();
        for (String pattern : settings.getOrDefault("authorizedkeysfile", ".ssh/authorized_keys")
                .split("\\s+", -1)) {
            String named = pattern.replace("%u", user);
            FakeFiles.Node file = files.find(named.startsWith("/") ? named : account.home() + "/" + named);
            if (file != null
                    && file.isFile()
                    && (file.uid == 0 || file.uid == account.uid())
                    && (file.mode & 022) == 0
                    && mayRead(account, file)) {
                file.text.lines().filter(line -> !line.isBlank()).forEach(keys::add);
            }
        }
        if (keys.isEmpty()) {
            return TenantLogin.refused("sshd knows no key of " + user);
        }
        FakeFiles.Node home = files.find(account.home());
        if (home == null || home.uid != account.uid()) {
            return TenantLogin.refused("the home directory " + account.home() + " is missing or not the user's");
        }
        Map<String, List<String>> limits = machine.systemd.sliceSettings("user-" + account.uid() + ".slice");
        CpuSet cpus = FakeSystemd.union(limits, "AllowedCPUs").intersect(machine.online());
        List<String> most = limits.getOrDefault("MemoryMax", List.of("infinity"));
        String max = most.get(most.size() - 1);
        return new TenantLogin(
                "",
                keys,
                cpus.isEmpty() ? machine.online() : cpus,
                max.equals("infinity") ? machine.topology.memory() : ByteSize.parse(max),
                machine.nftables.elements("inet kloigos", "own").stream()
                        .filter(element -> element.key() == account.uid())
                        .map(element -> new PortRange(element.first(), element.last() + 1))
                        .toList());
    }
}
