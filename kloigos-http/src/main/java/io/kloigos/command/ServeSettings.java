package io.kloigos.command;

import io.kloigos.DriftPolicy;
import io.kloigos.http.AccessSettings;
import io.kloigos.http.NearestMatch;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Fault;
import io.kloigos.model.Faults;
import io.kloigos.model.KloigosException;
import io.kloigos.rules.Bases;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.function.Supplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;

/**
 * The settings of {@code kloigos serve}. An option wins over an environment variable, which wins over the configuration file.
 *
 * @param listen where to listen
 * @param database where the inventory is kept; null for {@code kloigos.db}, or for a temporary one where the hosts are simulated
 * @param driver how hosts are reached
 * @param fleet the simulated hosts
 * @param fakeLatency how long a simulated host takes for a plan
 * @param driftPolicy what is done about drift that is found
 * @param sshUser the login for hosts that have none of their own
 * @param sshPort the SSH port for hosts that have none of their own
 * @param sshKey the private key; null for the user's own
 * @param knownHosts OpenSSH's file of known host keys; null for none
 * @param access how the API is protected
 * @param upkeep what the server does by itself
 */
record ServeSettings(
        ListenAddress listen,
        @Nullable DatabaseLocation database,
        DriverName driver,
        FleetSize fleet,
        Duration fakeLatency,
        DriftPolicy driftPolicy,
        String sshUser,
        int sshPort,
        @Nullable Path sshKey,
        @Nullable Path knownHosts,
        AccessSettings access,
        Upkeep upkeep) {
    private static final Path DEFAULT_CONFIG = Path.of("kloigos.yaml");
    private static final Duration DEFAULT_LATENCY = Duration.ofMillis(5);
    private static final Duration MOST_LATENCY = Duration.ofMinutes(1);
    private static final Pattern DAYS = Pattern.compile("([1-9]\\d{0,4})d");
    private static final Pattern TIME = Pattern.compile("(\\d{1,6})([smhd])");
    private static final Duration LEAST_KEPT = Duration.ofDays(1);
    private static final Duration LEAST_LEASE = Duration.ofSeconds(1);
    private static final Duration LEAST_BETWEEN_LOOKS = Duration.ofSeconds(1);
    private static final Duration MOST_DELAY = Duration.ofMinutes(1);
    private static final Duration LONGEST = Duration.ofDays(3650);
    private static final int MOST_STREAMS = 100_000;
    private static final int MOST_REQUESTS = 1_000_000;
    private static final Pattern LATENCY = Pattern.compile("(\\d{1,5})(ms|s)");

    /** What one driver alone uses. The SSH port is not among it: with each of them tenants are told at which they log in. */
    private static final Map<Setting, DriverName> ONLY_WITH = new EnumMap<>(Map.of(
            Setting.FLEET, DriverName.FAKE,
            Setting.FAKE_LATENCY, DriverName.FAKE,
            Setting.SSH_USER, DriverName.SSH,
            Setting.SSH_KEY, DriverName.SSH,
            Setting.KNOWN_HOSTS, DriverName.SSH));

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
        DriverName driver = reader.driver();
        ServeSettings settings = new ServeSettings(
                reader.get(Setting.LISTEN, ListenAddress::parse, ListenAddress.standard()),
                reader.find(Setting.DATABASE, DatabaseLocation::parse),
                driver,
                reader.get(Setting.FLEET, FleetSize::parse, FleetSize.standard()),
                reader.get(Setting.FAKE_LATENCY, ServeSettings::latency, DEFAULT_LATENCY),
                reader.get(Setting.DRIFT_POLICY, DriftPolicy::parse, DriftPolicy.REPORT),
                reader.get(Setting.SSH_USER, ServeSettings::user, "root"),
                reader.get(Setting.SSH_PORT, ServeSettings::port, 22),
                reader.find(Setting.SSH_KEY, ServeSettings::path),
                reader.find(Setting.KNOWN_HOSTS, ServeSettings::path),
                reader.access(),
                reader.upkeep());
        if (driver == DriverName.FAKE && settings.database() instanceof DatabaseLocation.PostgresUrl) {
            faults.add(
                    "not_with_fake",
                    "simulated hosts live in one process; with --driver fake, name a file",
                    Setting.DATABASE.option());
        }
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
            } else if (name.startsWith("KLOIGOS_") && !ConnectionOptions.VARIABLES.contains(name)) {
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

    private static Duration latency(String text) {
        Matcher matcher = LATENCY.matcher(text);
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group(1));
            Duration latency = matcher.group(2).equals("s") ? Duration.ofSeconds(number) : Duration.ofMillis(number);
            if (latency.compareTo(MOST_LATENCY) <= 0) {
                return latency;
            }
        }
        throw KloigosException.invalid(
                "fake_latency", "\"" + text + "\" is not a time such as \"5ms\" or \"2s\", 0ms to 60s");
    }

    /** Returns the time that {@code text} says: {@code 90d}. */
    static Duration days(String text) {
        Matcher matcher = DAYS.matcher(text);
        if (!matcher.matches()) {
            throw KloigosException.invalid("days", "\"" + text + "\" is not a number of days such as \"90d\"");
        }
        return Duration.ofDays(Long.parseLong(matcher.group(1)));
    }

    /** Returns the time that {@code text} says, such as {@code 90s}, {@code 10m}, {@code 1h} or {@code 7d}. */
    private static Duration time(String text, Duration least, Duration most) {
        Matcher matcher = TIME.matcher(text);
        if (matcher.matches()) {
            long number = Long.parseLong(matcher.group(1));
            Duration time =
                    switch (matcher.group(2)) {
                        case "s" -> Duration.ofSeconds(number);
                        case "m" -> Duration.ofMinutes(number);
                        case "h" -> Duration.ofHours(number);
                        default -> Duration.ofDays(number);
                    };
            if (time.compareTo(least) >= 0 && time.compareTo(most) <= 0) {
                return time;
            }
        }
        throw KloigosException.invalid(
                "time",
                "\"" + text + "\" is not a time such as \"90s\", \"10m\", \"1h\" or \"7d\", " + least.toSeconds()
                        + "s to " + (most.toDays() > 0 ? most.toDays() + "d" : most.toSeconds() + "s"));
    }

    private static Optional<Duration> looks(String text) {
        return text.equals("never") ? Optional.empty() : Optional.of(time(text, LEAST_BETWEEN_LOOKS, LONGEST));
    }

    private static int number(String text, int most) {
        int number = text.matches("\\d{1,7}") ? Integer.parseInt(text) : 0;
        if (number < 1 || number > most) {
            throw KloigosException.invalid("number", "\"" + text + "\" is not a number: 1 to " + most);
        }
        return number;
    }

    private static int requests(String text) {
        int requests = text.matches("\\d{1,7}") ? Integer.parseInt(text) : 0;
        if (requests < 1 || requests > MOST_REQUESTS) {
            throw KloigosException.invalid(
                    "rate_limit", "\"" + text + "\" is not a number of requests a second: 1 to " + MOST_REQUESTS);
        }
        return requests;
    }

    private static URI origin(String text) {
        URI url = url(text);
        if (!text.equals(url.getScheme() + "://" + url.getRawAuthority())) {
            throw KloigosException.invalid(
                    "url", "\"" + text + "\" is more than scheme, host and port, such as \"https://kloigos.example\"");
        }
        return url;
    }

    /** By plain HTTP anybody on the way could hand out keys of their own. */
    private static URI issuer(String text) {
        URI url = url(text);
        if (!url.getScheme().equals("https") && !new ListenAddress(url.getHost(), 0).isLoopback()) {
            throw KloigosException.invalid("issuer", "\"" + text + "\" is not an https:// URL");
        }
        return url;
    }

    private static URI url(String text) {
        try {
            URI url = new URI(text);
            if (url.getHost() != null && String.valueOf(url.getScheme()).matches("https?")) {
                return url;
            }
        } catch (URISyntaxException e) {
            // Told below.
        }
        throw KloigosException.invalid("url", "\"" + text + "\" is not a URL such as \"https://kloigos.example\"");
    }

    private static String text(String text) {
        if (text.isBlank()) {
            throw KloigosException.invalid("text", "is empty");
        }
        return text;
    }

    /** Reads the texts that were given. */
    private record Reader(Map<Setting, Given> given, Faults faults) {
        <T> T get(Setting setting, Function<String, T> parse, T otherwise) {
            T value = find(setting, parse);
            return value == null ? otherwise : value;
        }

        AccessSettings access() {
            Path certificate = find(Setting.TLS_CERT, ServeSettings::path);
            Path key = find(Setting.TLS_KEY, ServeSettings::path);
            URI issuer = find(Setting.OIDC_ISSUER, ServeSettings::issuer);
            String audience = find(Setting.OIDC_AUDIENCE, ServeSettings::text);
            String roles = get(Setting.OIDC_ROLES_CLAIM, ServeSettings::text, "roles");
            String tenant = get(Setting.OIDC_TENANT_CLAIM, ServeSettings::text, "sub");
            requireBeside(Setting.TLS_CERT, Setting.TLS_KEY);
            requireBeside(Setting.TLS_KEY, Setting.TLS_CERT);
            requireBeside(Setting.OIDC_ISSUER, Setting.OIDC_AUDIENCE);
            for (Setting setting :
                    List.of(Setting.OIDC_AUDIENCE, Setting.OIDC_ROLES_CLAIM, Setting.OIDC_TENANT_CLAIM)) {
                requireBeside(setting, Setting.OIDC_ISSUER);
            }
            return new AccessSettings(
                    certificate == null || key == null ? null : new AccessSettings.Tls(certificate, key),
                    issuer == null || audience == null
                            ? null
                            : new AccessSettings.Oidc(issuer, audience, roles, tenant),
                    find(Setting.PUBLIC_URL, ServeSettings::origin),
                    get(Setting.RATE_LIMIT, ServeSettings::requests, AccessSettings.DEFAULT_REQUESTS_PER_SECOND),
                    eventStreams());
        }

        private AccessSettings.EventStreams eventStreams() {
            AccessSettings.EventStreams standard = AccessSettings.EventStreams.standard();
            return new AccessSettings.EventStreams(
                    get(Setting.EVENT_STREAMS, text -> number(text, MOST_STREAMS), standard.perCaller()),
                    get(Setting.EVENT_STREAMS_TOTAL, text -> number(text, MOST_STREAMS), standard.total()));
        }

        Upkeep upkeep() {
            Upkeep standard = Upkeep.standard();
            return new Upkeep(
                    get(Setting.DRIFT_EVERY, ServeSettings::looks, Optional.ofNullable(standard.driftEvery()))
                            .orElse(null),
                    get(Setting.OPERATIONS_KEEP, text -> time(text, LEAST_KEPT, LONGEST), standard.operationsKept()),
                    get(Setting.AUDIT_KEEP, ServeSettings::days, standard.auditKept()),
                    get(Setting.LEASE, text -> time(text, LEAST_LEASE, LEAST_KEPT), standard.lease()),
                    get(Setting.EXPIRY_NOTICE, text -> time(text, Duration.ZERO, LONGEST), standard.expiryNotice()),
                    get(
                            Setting.SHUTDOWN_DELAY,
                            text -> time(text, Duration.ZERO, MOST_DELAY),
                            standard.shutdownDelay()),
                    bases(standard.bases()));
        }

        private Bases bases(Bases standard) {
            int uid = get(Setting.FIRST_UID, text -> number(text, 60_000), standard.firstUid());
            int port = get(Setting.FIRST_PORT, text -> number(text, 65_535), standard.firstPort());
            int ports = get(Setting.PORTS_PER_UNIT, text -> number(text, 65_535), standard.portsPerUnit());
            return faults.attempt(
                            () -> new Bases(uid, port, ports), Setting.FIRST_UID.option() + " and what is beside it")
                    .orElse(standard);
        }

        private void requireBeside(Setting setting, Setting other) {
            Given text = given.get(setting);
            if (text != null && !given.containsKey(other)) {
                faults.add("alone", "needs " + other.option() + " too", text.where());
            }
        }

        /** Returns the driver, and refuses what only another one can use. */
        DriverName driver() {
            DriverName named = find(Setting.DRIVER, DriverName::parse);
            boolean understood = named != null || !given.containsKey(Setting.DRIVER);
            DriverName driver = named == null ? DriverName.SSH : named;
            if (understood) {
                ONLY_WITH.forEach((setting, only) -> {
                    Given text = given.get(setting);
                    if (text != null && driver != only) {
                        faults.add(
                                "driver",
                                "only with " + Setting.DRIVER.option() + " " + only + "; leave it out with " + driver,
                                text.where());
                    }
                });
            }
            return driver;
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
