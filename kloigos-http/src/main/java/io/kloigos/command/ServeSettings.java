package io.kloigos.command;

import io.kloigos.http.NearestMatch;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.Faults;
import io.kloigos.model.KloigosException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import org.jspecify.annotations.Nullable;

/**
 * The settings of {@code kloigos serve}. An option wins over an environment variable, which wins over the configuration file.
 *
 * @param listen where to listen
 * @param database the SQLite file
 * @param sshUser the login for hosts that have none of their own
 * @param sshPort the SSH port for hosts that have none of their own
 * @param sshKey the private key; null for the user's own
 * @param knownHosts OpenSSH's file of known host keys; null for none
 */
record ServeSettings(
        ListenAddress listen,
        Path database,
        String sshUser,
        int sshPort,
        @Nullable Path sshKey,
        @Nullable Path knownHosts) {
    private static final Path DEFAULT_CONFIG = Path.of("kloigos.yaml");

    /** A text that was given for a setting, and under which name. */
    private record Given(String text, String where) {}

    /**
     * Returns the settings that are given together.
     *
     * @param options from the command line
     * @param unknownArguments what else was on the command line
     * @param environment all environment variables
     * @param directory where {@code kloigos.yaml} is read, if it is there and no other is named
     * @throws KloigosException INVALID_REQUEST with everything that is wrong, each with where it was given
     */
    static ServeSettings read(
            Map<Setting, String> options,
            List<String> unknownArguments,
            Map<String, String> environment,
            Path directory) {
        Faults faults = new Faults();
        faults.addAll(unknownOptions(unknownArguments));
        Map<Setting, Given> given = new EnumMap<>(Setting.class);
        addVariables(environment, given, faults);
        options.forEach((setting, text) -> given.put(setting, new Given(text, setting.option())));
        addFile(configFile(given, directory), given, faults);
        Reader reader = new Reader(given, faults);
        ServeSettings settings = new ServeSettings(
                reader.get(Setting.LISTEN, ListenAddress::parse, ListenAddress.standard()),
                reader.get(Setting.DATABASE, ServeSettings::path, Path.of("kloigos.db")),
                reader.get(Setting.SSH_USER, ServeSettings::user, "root"),
                reader.get(Setting.SSH_PORT, ServeSettings::port, 22),
                reader.find(Setting.SSH_KEY, ServeSettings::path),
                reader.find(Setting.KNOWN_HOSTS, ServeSettings::path));
        faults.throwIfAny(ErrorCode.INVALID_REQUEST, "Cannot use these settings");
        return settings;
    }

    private static List<Fault> unknownOptions(List<String> arguments) {
        Collection<String> known = Setting.by(Setting::option).keySet();
        Faults faults = new Faults();
        for (int i = 0; i < arguments.size(); i++) {
            String name = arguments.get(i).split("=", 2)[0];
            if (name.startsWith("-")) {
                faults.add("unknown", "there is no such option; " + NearestMatch.hint(name, known), name);
            } else if (i == 0 || !arguments.get(i - 1).startsWith("-")) {
                faults.add("unknown", "is no option", name);
            }
        }
        return faults.found();
    }

    private static void addVariables(Map<String, String> environment, Map<Setting, Given> given, Faults faults) {
        Map<String, Setting> known = Setting.by(Setting::variable);
        new TreeMap<>(environment).forEach((name, text) -> {
            Setting setting = known.get(name);
            if (setting != null) {
                given.put(setting, new Given(text, name));
            } else if (name.startsWith("KLOIGOS_")) {
                faults.add("unknown", "there is no such variable; " + NearestMatch.hint(name, known.keySet()), name);
            }
        });
    }

    private static @Nullable Path configFile(Map<Setting, Given> given, Path directory) {
        Given named = given.get(Setting.CONFIG);
        if (named != null) {
            return directory.resolve(named.text());
        }
        return Files.exists(directory.resolve(DEFAULT_CONFIG)) ? directory.resolve(DEFAULT_CONFIG) : null;
    }

    private static void addFile(@Nullable Path file, Map<Setting, Given> given, Faults faults) {
        if (file == null) {
            return;
        }
        Map<String, Setting> known = Setting.by(Setting::key);
        known.remove(Setting.CONFIG.key());
        String name = file.getFileName().toString();
        faults.attempt(() -> ConfigFile.read(file), name)
                .ifPresent(texts -> texts.forEach((key, text) -> {
                    Setting setting = known.get(key);
                    if (setting == null) {
                        faults.add(
                                "unknown",
                                "there is no such key; " + NearestMatch.hint(key, known.keySet()),
                                name,
                                key);
                    } else {
                        given.putIfAbsent(setting, new Given(text, name + "." + key));
                    }
                }));
    }

    private static Path path(String text) {
        if (text.isBlank()) {
            throw KloigosException.invalid("path", "is empty; name a file");
        }
        return Path.of(text);
    }

    private static String user(String text) {
        if (!text.matches("[a-z_][a-z0-9_.-]{0,30}")) {
            throw KloigosException.invalid("ssh_user", "\"" + text + "\" is not a Unix user name");
        }
        return text;
    }

    private static int port(String text) {
        int port = text.matches("\\d{1,5}") ? Integer.parseInt(text) : 0;
        if (port < 1 || port > 65535) {
            throw KloigosException.invalid("ssh_port", "\"" + text + "\" is not a port: 1 to 65535");
        }
        return port;
    }

    /** Reads the texts that were given. */
    private record Reader(Map<Setting, Given> given, Faults faults) {
        <T> T get(Setting setting, Function<String, T> parse, T otherwise) {
            T value = find(setting, parse);
            return value == null ? otherwise : value;
        }

        <T> @Nullable T find(Setting setting, Function<String, T> parse) {
            Given text = given.get(setting);
            if (text == null) {
                return null;
            }
            Supplier<T> value = () -> parse.apply(text.text());
            return faults.attempt(value, text.where()).orElse(null);
        }
    }
}
