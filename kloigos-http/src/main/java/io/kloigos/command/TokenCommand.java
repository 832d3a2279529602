package io.kloigos.command;

import com.zaxxer.hikari.HikariDataSource;
import io.kloigos.inventory.Access;
import io.kloigos.model.ApiToken;
import io.kloigos.model.AuditEntry;
import io.kloigos.model.AuditEntry.Outcome;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Role;
import io.kloigos.model.Tenant;
import io.kloigos.model.TokenSecret;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.SecureRandom;
import java.time.Instant;
import java.time.temporal.ChronoUnit;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.UUID;
import java.util.concurrent.Callable;
import java.util.function.Consumer;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** Makes, lists and revokes API tokens in the database itself, whether or not a server has it open. */
@Command(
        name = "token",
        description = "Makes, lists and revokes API tokens in the database, whether or not a server has it open.",
        mixinStandardHelpOptions = true,
        versionProvider = KloigosCommand.Version.class,
        subcommands = {TokenCommand.Create.class, TokenCommand.ListAll.class, TokenCommand.Revoke.class})
final class TokenCommand implements Runnable {
    @Spec
    private @Nullable CommandSpec spec;

    @Override
    public void run() {
        throw new ParameterException(
                Objects.requireNonNull(spec).commandLine(), "Name what to do: create, list or revoke.");
    }

    /** What all of them have. */
    abstract static class OnDatabase implements Callable<Integer> {
        @Option(
                names = "--database",
                paramLabel = "FILE|URL",
                description = "The database, as of \"kloigos serve\" (kloigos.db).")
        private @Nullable String database;

        @Option(
                names = "--config",
                paramLabel = "FILE",
                description = "The configuration of \"kloigos serve\" (kloigos.yaml, if it exists).")
        private @Nullable String config;

        @Spec
        private @Nullable CommandSpec spec;

        /** Does it. */
        abstract void run(Access access, CommandLine command);

        /** Tells whether a database file that is not there is made. */
        abstract boolean mayMake();

        @Override
        public Integer call() {
            CommandLine command = Objects.requireNonNull(spec).commandLine();
            try {
                open(location(), access -> run(access, command));
                return CommandLine.ExitCode.OK;
            } catch (KloigosException failure) {
                if (failure.code() == ErrorCode.INVALID_REQUEST) {
                    failure.faults().forEach(fault -> KloigosCommand.complain(command, fault.toString()));
                    return CommandLine.ExitCode.USAGE;
                }
                KloigosCommand.complain(command, String.valueOf(failure.getMessage()));
                return CommandLine.ExitCode.SOFTWARE;
            }
        }

        private @Nullable DatabaseLocation location() {
            Map<Setting, String> options = new EnumMap<>(Setting.class);
            if (database != null) {
                options.put(Setting.DATABASE, database);
            }
            if (config != null) {
                options.put(Setting.CONFIG, config);
            }
            return ServeSettings.read(options, List.of(), System.getenv(), Path.of(""))
                    .database();
        }

        private void open(@Nullable DatabaseLocation location, Consumer<Access> use) {
            if (location instanceof DatabaseLocation.PostgresUrl postgres) {
                try (HikariDataSource source = ServeCommand.connect(postgres);
                        Access access = Access.open(source)) {
                    use.accept(access);
                }
                return;
            }
            Path file = location instanceof DatabaseLocation.SqliteFile named ? named.path() : ServeCommand.DATABASE;
            if (!mayMake() && !Files.exists(file)) {
                throw new KloigosException(
                        ErrorCode.STORE_FAILED,
                        "There is no database " + file.toAbsolutePath() + "; name the server's by --database.");
            }
            try (Access access = Access.open(file)) {
                use.accept(access);
            }
        }
    }

    /** Writes to the audit log what is done, before it is done. */
    private static void audited(Access access, String action, Function<String, String> change) {
        String who = "command:" + System.getProperty("user.name");
        AuditEntry begun = new AuditEntry(
                0,
                now(),
                who,
                Role.ADMIN,
                null,
                "",
                UUID.randomUUID().toString(),
                null,
                action,
                null,
                null,
                null,
                Outcome.BEGUN,
                null);
        long number = access.auditLog().add(begun);
        AuditEntry written = begun.numbered(number);
        try {
            String target = change.apply(who);
            access.auditLog().end(written.ended(Outcome.SUCCEEDED, target, null, null, null));
        } catch (KloigosException e) {
            access.auditLog().end(written.ended(Outcome.FAILED, null, null, null, e.getMessage()));
            throw e;
        }
    }

    private static Instant now() {
        return Instant.now().truncatedTo(ChronoUnit.MILLIS);
    }

    /** Makes a token. */
    @Command(
            name = "create",
            description = {
                "Makes a token and prints it, alone, on standard output. It is not kept and cannot be shown again.",
                "From the first token on the server lets nobody in without one."
            },
            mixinStandardHelpOptions = true)
    static final class Create extends OnDatabase {
        @Parameters(index = "0", paramLabel = "NAME", description = "Who will use it, as the audit log tells.")
        private String name = "";

        @Option(
                names = "--role",
                paramLabel = "ROLE",
                required = true,
                description = "What it allows: admin, operator, tenant or read-only.")
        private String role = "";

        @Option(names = "--tenant", paramLabel = "NAME", description = "With --role tenant: whose units it is for.")
        private @Nullable String tenant;

        @Option(
                names = "--expires",
                paramLabel = "TIME",
                description = "After how long it is refused, such as 90d (never).")
        private @Nullable String expires;

        @Override
        boolean mayMake() {
            return true;
        }

        @Override
        void run(Access access, CommandLine command) {
            byte[] bytes = new byte[TokenSecret.BYTES];
            new SecureRandom().nextBytes(bytes);
            TokenSecret secret = TokenSecret.of(bytes);
            Instant now = now();
            Role allowed = Role.parse(role);
            audited(access, "createToken", who -> {
                access.tokens()
                        .add(
                                new ApiToken(
                                        secret.id(),
                                        name,
                                        allowed,
                                        tenant == null ? null : new Tenant(tenant),
                                        who,
                                        now,
                                        expires == null ? null : now.plus(ServeSettings.days(expires)),
                                        null,
                                        null),
                                secret);
                return secret.id();
            });
            command.getErr()
                    .println("Token " + secret.id() + " for " + name + " (" + allowed
                            + "), shown this once; send it as \"Authorization: Bearer TOKEN\":");
            command.getErr().flush();
            command.getOut().println(secret.text());
        }
    }

    /** Lists tokens. */
    @Command(name = "list", description = "Lists the tokens without their secrets.", mixinStandardHelpOptions = true)
    static final class ListAll extends OnDatabase {
        private static final String ROW = "%-16s  %-20s  %-9s  %-20s  %-20s  %-20s  %s%n";

        @Override
        boolean mayMake() {
            return false;
        }

        @Override
        void run(Access access, CommandLine command) {
            command.getOut().printf(ROW, "ID", "NAME", "ROLE", "TENANT", "EXPIRES", "LAST USED", "STATE");
            Instant now = now();
            access.tokens()
                    .all()
                    .forEach(token -> command.getOut()
                            .printf(
                                    ROW,
                                    token.id(),
                                    token.name(),
                                    token.role(),
                                    shown(token.tenant()),
                                    shown(token.expiresAt()),
                                    shown(token.lastUsedAt()),
                                    state(token, now)));
        }

        private static String shown(@Nullable Tenant tenant) {
            return tenant == null ? "-" : tenant.name();
        }

        private static String shown(@Nullable Instant time) {
            return time == null ? "-" : time.truncatedTo(ChronoUnit.SECONDS).toString();
        }

        private static String state(ApiToken token, Instant now) {
            if (token.revokedAt() != null) {
                return "revoked";
            }
            return token.isValid(now) ? "valid" : "expired";
        }
    }

    /** Revokes a token. */
    @Command(
            name = "revoke",
            description = "Lets a token, and the sessions that began with it, be refused from now on.",
            mixinStandardHelpOptions = true)
    static final class Revoke extends OnDatabase {
        @Parameters(index = "0", paramLabel = "ID|NAME", description = "Its id, or its name.")
        private String which = "";

        @Override
        boolean mayMake() {
            return false;
        }

        @Override
        void run(Access access, CommandLine command) {
            audited(access, "revokeToken", who -> {
                ApiToken revoked = access.tokens().revoke(id(access), now());
                command.getErr().println("Token " + revoked.id() + " (" + revoked.name() + ") is revoked.");
                command.getErr().flush();
                return revoked.id();
            });
        }

        private String id(Access access) {
            return access.tokens().all().stream()
                    .filter(token -> token.revokedAt() == null && token.name().equals(which))
                    .map(ApiToken::id)
                    .findFirst()
                    .orElse(which);
        }
    }
}
