package io.kloigos.command;

import io.kloigos.Kloigos;
import io.kloigos.driver.ssh.SshHostDriver;
import io.kloigos.driver.ssh.SshSettings;
import io.kloigos.http.HttpServer;
import io.kloigos.http.HttpSettings;
import io.kloigos.model.ErrorCode;
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
            "Each option is also an environment variable (KLOIGOS_SSH_PORT) and a key of the configuration file"
                    + " (ssh_port). An option wins over a variable, a variable over the file."
        })
final class ServeCommand implements Callable<Integer> {
    private static final Logger LOG = LoggerFactory.getLogger(ServeCommand.class);
    private static final List<String> OWN_KEYS = List.of("id_ed25519", "id_ecdsa", "id_rsa");

    @Option(names = "--listen", paramLabel = "HOST:PORT", description = "Where to listen (127.0.0.1:8080).")
    private @Nullable String listen;

    @Option(names = "--database", paramLabel = "FILE", description = "The SQLite database (kloigos.db).")
    private @Nullable String database;

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
        put(options, Setting.SSH_USER, sshUser);
        put(options, Setting.SSH_PORT, sshPort);
        put(options, Setting.SSH_KEY, sshKey);
        put(options, Setting.KNOWN_HOSTS, knownHosts);
        put(options, Setting.CONFIG, config);
        return options;
    }

    private static void put(Map<Setting, String> options, Setting setting, @Nullable String text) {
        if (text != null) {
            options.put(setting, text);
        }
    }

    private static void serve(ServeSettings settings, CommandLine command) throws InterruptedException {
        Kloigos kloigos = Kloigos.builder()
                .driver(driver(settings))
                .database(settings.database())
                .build();
        HttpServer server;
        try {
            server = HttpServer.start(kloigos, httpSettings(settings));
        } catch (UncheckedIOException e) {
            kloigos.close();
            throw new UncheckedIOException(
                    e.getMessage() + ". Stop what listens there, or choose another address by --listen.", e.getCause());
        }
        Runtime.getRuntime().addShutdownHook(new Thread(() -> stop(server, kloigos), "kloigos-stop"));
        if (!settings.listen().isLoopback()) {
            LOG.warn(
                    "{} can be reached from other machines, and there is no authentication yet: whoever connects controls"
                            + " the fleet",
                    settings.listen().host());
        }
        command.getOut().println("Kloigos listens on " + settings.listen().url(server.port()));
        command.getOut().flush();
        Thread.currentThread().join();
    }

    private static HttpSettings httpSettings(ServeSettings settings) {
        return new HttpSettings(
                settings.listen().host(), settings.listen().port(), settings.sshUser(), settings.sshPort());
    }

    private static HostDriver driver(ServeSettings settings) {
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

    /** Ends what is under way, then the process, with 0 where the JVM would tell of the signal by 143 or 130. */
    private static void stop(HttpServer server, Kloigos kloigos) {
        LOG.info("Stopping");
        server.drain();
        kloigos.close();
        server.close();
        Runtime.getRuntime().halt(CommandLine.ExitCode.OK);
    }
}
