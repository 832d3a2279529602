package io.kloigos.command;

import com.zaxxer.hikari.HikariConfig;
import com.zaxxer.hikari.HikariDataSource;
import com.zaxxer.hikari.pool.HikariPool.PoolInitializationException;
import io.kloigos.Kloigos;
import io.kloigos.KloigosBuilder;
import io.kloigos.driver.local.LocalHostDriver;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.http.HttpSettings;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.concurrent.Callable;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;
import picocli.CommandLine.Unmatched;

/**
 * Serves the HTTP API until it is told to stop by SIGTERM or SIGINT, after which the process ends with 0.
 *
 * <p>Every option can also be given as an environment variable (KLOIGOS_SSH_PORT) or in the configuration file (ssh_port).
 */
@Command(
        name = "serve",
        description = "Serves the HTTP API until it is stopped by SIGTERM or SIGINT.",
        mixinStandardHelpOptions = true,
        sortOptions = false,
        sortSynopsis = false,
        versionProvider = KloigosCommand.Version.class,
        footer = {
            "",
            "In parentheses stands what holds without the option.",
            "",
            "Each option is also an environment variable (KLOIGOS_SSH_PORT) and a key of the configuration file"
                    + " (ssh_port). An option wins over a variable, a variable over the file."
        })
final class ServeCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);
    static final Path DATABASE = Path.of("kloigos.db");
    private static final int CONNECTIONS = 16;
    private static final HostAddress THIS_MACHINE = new HostAddress("localhost", "127.0.0.1", null, null, null);
    private static final List<String> OWN_KEYS = List.of("id_ed25519", "id_ecdsa", "id_rsa");

    @Option(names = "--listen", paramLabel = "HOST:PORT", description = "Where to listen (127.0.0.1:8080).")
    private @Nullable String listen;

    @Option(
            names = "--database",
            paramLabel = "FILE|URL",
            description = {
                "The database: a file, which SQLite keeps",
                "(kloigos.db; a temporary one with --driver fake), or",
                "jdbc:postgresql://HOST/NAME for several servers."
            })
    private @Nullable String database;

    @Option(
            names = "--driver",
            paramLabel = "NAME",
            completionCandidates = Candidates.Drivers.class,
            description = "How hosts are reached: ssh, local for this machine only (needs root), or fake for simulated"
                    + " hosts (ssh).")
    private @Nullable String driver;

    @Option(
            names = "--fleet",
            paramLabel = "NxCxU",
            description = "With --driver fake: N servers of C CPUs in units of U (6x64x4).")
    private @Nullable String fleet;

    @Option(
            names = "--fake-latency",
            paramLabel = "TIME",
            description = "With --driver fake: how long a host takes for a plan, such as 2s (5ms).")
    private @Nullable String fakeLatency;

    @Option(
            names = "--drift-policy",
            paramLabel = "NAME",
            description = "What is done about hosts that differ from the inventory: report it, or repair (report).")
    private @Nullable String driftPolicy;

    @Option(
            names = "--drift-every",
            paramLabel = "TIME",
            description = "How often each host is looked at for that, such as 10m, or never (10m).")
    private @Nullable String driftEvery;

    @Option(names = "--ssh-user", paramLabel = "NAME", description = "The login on hosts that name none (root).")
    private @Nullable String sshUser;

    @Option(names = "--ssh-port", paramLabel = "PORT", description = "The SSH port of hosts that name none (22).")
    private @Nullable String sshPort;

    @Option(
            names = "--ssh-key",
            paramLabel = "FILE",
            description = "The private key (the first of ~/.ssh/id_ed25519, id_ecdsa, id_rsa).")
    private @Nullable String sshKey;

    @Option(
            names = "--known-hosts",
            paramLabel = "FILE",
            description = "Known host keys as OpenSSH keeps them (none: a host is trusted at its first init).")
    private @Nullable String knownHosts;

    @Option(
            names = "--tls-cert",
            paramLabel = "FILE",
            description = "The certificate for HTTPS in PEM, with those that lead to a trusted one; read again when it"
                    + " changes (plain HTTP).")
    private @Nullable String tlsCert;

    @Option(names = "--tls-key", paramLabel = "FILE", description = "The certificate's key in PEM, PKCS #8.")
    private @Nullable String tlsKey;

    @Option(
            names = "--public-url",
            paramLabel = "URL",
            description = "Where browsers find the server behind a proxy, such as https://kloigos.example (none).")
    private @Nullable String publicUrl;

    @Option(
            names = "--oidc-issuer",
            paramLabel = "URL",
            description = "The OpenID Connect provider whose bearer tokens are accepted beside API tokens (none).")
    private @Nullable String oidcIssuer;

    @Option(names = "--oidc-audience", paramLabel = "NAME", description = "Whom the provider's tokens must be for.")
    private @Nullable String oidcAudience;

    @Option(
            names = "--oidc-roles-claim",
            paramLabel = "NAME",
            description = "Which claim holds kloigos-admin, kloigos-operator, kloigos-tenant or kloigos-read-only; dots"
                    + " lead into objects (roles).")
    private @Nullable String oidcRolesClaim;

    @Option(
            names = "--oidc-tenant-claim",
            paramLabel = "NAME",
            description = "Which claim says whose units a tenant has (sub).")
    private @Nullable String oidcTenantClaim;

    @Option(
            names = "--rate-limit",
            paramLabel = "N",
            description =
                    "How many requests a second each caller may send for long, four times as many for a moment; with"
                            + " authentication (50).")
    private @Nullable String rateLimit;

    @Option(
            names = "--event-streams",
            paramLabel = "N",
            description = "How many event streams each caller may have open; with authentication (32).")
    private @Nullable String eventStreams;

    @Option(
            names = "--event-streams-total",
            paramLabel = "N",
            description = "How many event streams all callers together may have open (1000).")
    private @Nullable String eventStreamsTotal;

    @Option(
            names = "--audit-keep",
            paramLabel = "TIME",
            description = "How long the audit log is kept, such as 90d (400d).")
    private @Nullable String auditKeep;

    @Option(
            names = "--operations-keep",
            paramLabel = "TIME",
            description = "How long operations and idempotency keys are kept, such as 30d; 1d at least (7d).")
    private @Nullable String operationsKeep;

    @Option(
            names = "--expiry-notice",
            paramLabel = "TIME",
            description = "How long before a unit expires its end is announced (1h).")
    private @Nullable String expiryNotice;

    @Option(
            names = "--lease",
            paramLabel = "TIME",
            description =
                    "After how long without a sign of life another server takes over; longer than any pause (20s).")
    private @Nullable String lease;

    @Option(
            names = "--shutdown-delay",
            paramLabel = "TIME",
            description = "How long requests are still answered after /readyz began to fail because of a stop (0s).")
    private @Nullable String shutdownDelay;

    @Option(
            names = "--first-uid",
            paramLabel = "N",
            description = "The user id of a host's first unit, for hosts initialized from now on (20000).")
    private @Nullable String firstUid;

    @Option(
            names = "--first-port",
            paramLabel = "N",
            description = "The first port of a host's first unit, for hosts initialized from now on (2000).")
    private @Nullable String firstPort;

    @Option(
            names = "--ports-per-unit",
            paramLabel = "N",
            description = "How many ports a unit has, for hosts initialized from now on (200).")
    private @Nullable String portsPerUnit;

    @Option(names = "--config", paramLabel = "FILE", description = "The configuration (kloigos.yaml, if it exists).")
    private @Nullable String config;

    @Unmatched
    private List<String> unknownArguments = new ArrayList<>();

    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public Integer call() throws InterruptedException {
        CommandLine command = Objects.requireNonNull(spec).commandLine();
        ServeSettings settings;
        try {
            settings = ServeSettings.read(options(), unknownArguments, System.getenv(), Path.of(""));
        } catch (KloigosException refusal) {
            refusal.faults().forEach(fault -> KloigosCommand.complain(command, fault.toString()));
            return CommandLine.ExitCode.USAGE;
        }
        try {
            serve(settings, command);
            return CommandLine.ExitCode.OK;
        } catch (KloigosException | UncheckedIOException failure) {
            KloigosCommand.complain(command, String.valueOf(failure.getMessage()));
            return CommandLine.ExitCode.SOFTWARE;
        }
    }

    private Map<Setting, String> options() {
        Map<Setting, String> options = new EnumMap<>(Setting.class);
        put(options, Setting.LISTEN, listen);
        put(options, Setting.DATABASE, database);
        put(options, Setting.DRIVER, driver);
        put(options, Setting.FLEET, fleet);
        put(options, Setting.FAKE_LATENCY, fakeLatency);
        put(options, Setting.DRIFT_POLICY, driftPolicy);
        put(options, Setting.DRIFT_EVERY, driftEvery);
        put(options, Setting.SSH_USER, sshUser);
        put(options, Setting.SSH_PORT, sshPort);
        put(options, Setting.SSH_KEY, sshKey);
        put(options, Setting.KNOWN_HOSTS, knownHosts);
        put(options, Setting.TLS_CERT, tlsCert);
        put(options, Setting.TLS_KEY, tlsKey);
        put(options, Setting.PUBLIC_URL, publicUrl);
        put(options, Setting.OIDC_ISSUER, oidcIssuer);
        put(options, Setting.OIDC_AUDIENCE, oidcAudience);
        put(options, Setting.OIDC_ROLES_CLAIM, oidcRolesClaim);
        put(options, Setting.OIDC_TENANT_CLAIM, oidcTenantClaim);
        put(options, Setting.RATE_LIMIT, rateLimit);
        put(options, Setting.EVENT_STREAMS, eventStreams);
        put(options, Setting.EVENT_STREAMS_TOTAL, eventStreamsTotal);
        put(options, Setting.AUDIT_KEEP, auditKeep);
        put(options, Setting.OPERATIONS_KEEP, operationsKeep);
        put(options, Setting.EXPIRY_NOTICE, expiryNotice);
        put(options, Setting.LEASE, lease);
        put(options, Setting.SHUTDOWN_DELAY, shutdownDelay);
        put(options, Setting.FIRST_UID, firstUid);
        put(options, Setting.FIRST_PORT, firstPort);
        put(options, Setting.PORTS_PER_UNIT, portsPerUnit);
        put(options, Setting.CONFIG, config);
        return options;
    }

    private static void put(Map<Setting, String> options, Setting setting, @Nullable String text) {
        if (text != null) {
            options.put(setting, text);
        }
    }

    private static void serve(ServeSettings settings, CommandLine command) throws InterruptedException {
        switch (settings.driver()) {
            case SSH -> serve(sshDriver(settings), settings, command);
            case LOCAL -> serve(localDriver(), settings, command);
            case FAKE -> serveSimulated(settings, command);
        }
    }

    private static void serve(HostDriver driver, ServeSettings settings, CommandLine command)
            throws InterruptedException {
        Running running = open(builder(settings).driver(driver), settings.database());
        int port = listen(running, httpSettings(settings), settings);
        announce("Kloigos", port, settings, command);
    }

    private static void serveSimulated(ServeSettings settings, CommandLine command) throws InterruptedException {
        SimulatedFleet fleet = SimulatedFleet.of(settings.fleet());
        LOG.warn(
                "The fleet is simulated: none of its {} servers exists",
                settings.fleet().servers());
        Path database;
        Runnable last;
        if (settings.database() instanceof DatabaseLocation.SqliteFile named) {
            database = named.path();
            last = () -> {};
        } else {
            TemporaryDatabase temporary = TemporaryDatabase.create();
            database = temporary.file();
            last = temporary::delete;
        }
        fleet.restore(database);
        Kloigos kloigos =
                builder(settings).driver(fleet.driver()).database(database).build();
        Running running = Running.begin(kloigos, last);
        int port = listen(running, httpSettings(settings).withSimulatedHosts(), settings);
        fleet.init(kloigos);
        fleet.latency(settings.fakeLatency());
        announce("Kloigos (simulated fleet)", port, settings, command);
    }

    private static KloigosBuilder builder(ServeSettings settings) {
        return settings.upkeep().builder(settings.driftPolicy());
    }

    private static Running open(KloigosBuilder kloigos, @Nullable DatabaseLocation location) {
        if (location instanceof DatabaseLocation.PostgresUrl postgres) {
            HikariDataSource source = connect(postgres);
            return Running.begin(kloigos.database(source).build(), source::close);
        }
        Path file = location instanceof DatabaseLocation.SqliteFile named ? named.path() : DATABASE;
        return Running.begin(kloigos.database(file).build(), () -> {});
    }

    static HikariDataSource connect(DatabaseLocation.PostgresUrl location) {
        HikariConfig config = new HikariConfig();
        config.setJdbcUrl(location.url());
        config.setPoolName("kloigos");
        config.setMaximumPoolSize(CONNECTIONS);
        try {
            return new HikariDataSource(config);
        } catch (PoolInitializationException e) {
            throw new KloigosException(
                    ErrorCode.STORE_FAILED,
                    "Cannot connect to " + location + ": " + e.getMessage()
                            + ". Check that the database exists, can be reached from here and lets this user in.",
                    e);
        }
    }

    private static int listen(Running running, HttpSettings http, ServeSettings settings) {
        try {
            return running.listen(http, settings.upkeep().shutdownDelay());
        } catch (UncheckedIOException e) {
            throw new UncheckedIOException(
                    e.getMessage() + ". Stop what listens there, or choose another address by --listen.", e.getCause());
        }
    }

    /** Says that all is ready, and returns only when the process ends. */
    private static void announce(String name, int port, ServeSettings settings, CommandLine command)
            throws InterruptedException {
        boolean tls = settings.access().tls() != null;
        if (!tls && !settings.listen().isLoopback()) {
            LOG.warn(
                    "{} can be reached from other machines by plain HTTP: whoever is on the way can read tokens. Give"
                            + " --tls-cert and --tls-key, or put a proxy with TLS before it",
                    settings.listen().host());
        }
        command.getOut().println(name + " listens on " + settings.listen().url(tls ? "https" : "http", port));
        command.getOut().flush();
        Thread.currentThread().join();
    }

    private static HttpSettings httpSettings(ServeSettings settings) {
        return new HttpSettings(
                        settings.listen().host(), settings.listen().port(), settings.sshUser(), settings.sshPort())
                .with(settings.access());
    }

    /** Returns the driver after a first look at this machine, which it refuses without root. */
    private static HostDriver localDriver() {
        LocalHostDriver driver = new LocalHostDriver();
        driver.open(THIS_MACHINE).close();
        return driver;
    }

    private static HostDriver sshDriver(ServeSettings settings) {
        SshSettings ssh =
                SshSettings.withKey(key(settings.sshKey())).withDefaults(settings.sshUser(), settings.sshPort());
        Path hosts = settings.knownHosts();
        return new SshHostDriver(hosts == null ? ssh : ssh.withKnownHosts(readable(hosts, Setting.KNOWN_HOSTS)));
    }

    private static Path key(@Nullable Path named) {
        if (named != null) {
            return readable(named, Setting.SSH_KEY);
        }
        Path directory = Path.of(System.getProperty("user.home"), ".ssh");
        return OWN_KEYS.stream()
                .map(directory::resolve)
                .filter(Files::isReadable)
                .findFirst()
                .orElseGet(() -> {
                    LOG.warn(
                            "There is no SSH key in {}: make one by ssh-keygen, or name one by --ssh-key; until then no host"
                                    + " can be reached",
                            directory);
                    return directory.resolve(OWN_KEYS.get(0));
                });
    }

    private static Path readable(Path file, Setting setting) {
        if (!Files.isReadable(file) || Files.isDirectory(file)) {
            throw new KloigosException(
                    ErrorCode.INVALID_REQUEST,
                    "Cannot read " + file.toAbsolutePath() + ", given as " + setting.option()
                            + ": check that the file exists and that you may read it.");
        }
        return file;
    }
}
