package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.zaxxer.hikari.HikariDataSource;
import io.kloigos.inventory.Access;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Instant;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import java.util.function.Function;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** Makes, lists and revokes API tokens: those of a server, or in its database, whether or not a server has that open. */
@Command(
        name = "token",
        description = "Makes, lists and revokes API tokens of a server, or in its database.",
        subcommands = {TokenCommand.Create.class, TokenCommand.ListAll.class, TokenCommand.Revoke.class})
final class TokenCommand extends RemoteCommand.Group {
    /** A command about tokens. */
    abstract static class OfTokens extends RemoteCommand {
        @Option(
                names = "--database",
                paramLabel = "FILE|URL",
                description =
                        "Do it in this database, as of \"kloigos serve\", and ask no server: for the first token.")
        private @Nullable String database;

        @Option(
                names = "--config",
                paramLabel = "FILE",
                description = "Do it in the database that this configuration of \"kloigos serve\" names.")
        private @Nullable String config;

        /** Does it. */
        abstract ExitStatus run(TokenRegister register, Printer printer);

        /** Tells what a database is used for. */
        DatabaseUse use() {
            return DatabaseUse.AS_IT_IS;
        }

        @Override
        final ExitStatus run(Session session) {
            return run(new TokenRegister.OfServer(session.api()), session.printer());
        }

        @Override
        ExitStatus run() {
            return database == null && config == null
                    ? askServer()
                    : open(access -> run(new TokenRegister.InDatabase(access), printer()));
        }

        private ExitStatus askServer() {
            try {
                return super.run();
            } catch (KloigosException e) {
                throw e.code() == ErrorCode.SERVER_UNREACHABLE
                        ? new KloigosException(
                                e.code(), e.getMessage() + " Without a server, name its database by --database.", e)
                        : e;
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

        private ExitStatus open(Function<Access, ExitStatus> action) {
            DatabaseLocation location = location();
            if (location instanceof DatabaseLocation.PostgresUrl postgres) {
                try (HikariDataSource source = ServeCommand.connect(postgres);
                        Access access = Access.open(source)) {
                    return action.apply(access);
                }
            }
            Path file = location instanceof DatabaseLocation.SqliteFile named ? named.path() : ServeCommand.DATABASE;
            if (use() == DatabaseUse.AS_IT_IS && !Files.exists(file)) {
                throw new KloigosException(
                        ErrorCode.STORE_FAILED,
                        "There is no database " + file.toAbsolutePath() + "; name the server's by --database.");
            }
            try (Access access = Access.open(file)) {
                return action.apply(access);
            }
        }
    }

    /** What becomes of a database file that is not there. */
    enum DatabaseUse {
        /** It is made. */
        MADE_IF_MISSING,
        /** That is an error. */
        AS_IT_IS
    }

    /** Makes a token. */
    @Command(
            name = "create",
            description = {
                "Makes a token and prints it, alone, on standard output. It is not kept and cannot be shown again.",
                "From the first token on the server lets nobody in without one."
            })
    static final class Create extends OfTokens {
        private static final JsonMapper JSON = new JsonMapper();

        @Parameters(index = "0", paramLabel = "NAME", description = "Who will use it, as the audit log tells.")
        private String name = "";

        @Option(
                names = "--role",
                paramLabel = "ROLE",
                required = true,
                completionCandidates = Candidates.Roles.class,
                description = "What it allows: admin, operator, tenant or read-only.")
        private String role = "";

        @Option(names = "--tenant", paramLabel = "NAME", description = "With --role tenant: whose units it is for.")
        private @Nullable String tenant;

        @Option(
                names = "--expires",
                paramLabel = "TIME",
                description = "When it is refused: 90m, 12h, 90d, or 2026-12-31T12:00:00Z (never).")
        private @Nullable String expires;

        @Override
        DatabaseUse use() {
            return DatabaseUse.MADE_IF_MISSING;
        }

        @Override
        ExitStatus run(TokenRegister register, Printer printer) {
            ObjectNode wanted = JSON.createObjectNode().put("name", name).put("role", role);
            if (tenant != null) {
                wanted.put("tenant", tenant);
            }
            if (expires != null) {
                wanted.put("expires_at", Values.time(expires, Instant.now()));
            }
            JsonNode made = register.create(wanted);
            if (!printer.format().isForPeople()) {
                return printer.show(made);
            }
            JsonNode details = made.path("details");
            commandLine()
                    .getErr()
                    .println("Token " + details.path("token_id").asText() + " for "
                            + details.path("name").asText() + " ("
                            + details.path("role").asText()
                            + "), shown this once; send it as \"Authorization: Bearer TOKEN\":");
            commandLine().getErr().flush();
            printer.out().println(made.path("token").asText());
            return ExitStatus.OK;
        }
    }

    /** Lists tokens. */
    @Command(name = "list", description = "Lists the tokens without their secrets.")
    static final class ListAll extends OfTokens {
        @Option(
                names = "--role",
                paramLabel = "ROLE",
                completionCandidates = Candidates.Roles.class,
                description = "Those with this role.")
        private @Nullable String role;

        @Override
        ExitStatus run(TokenRegister register, Printer printer) {
            return printer.list(register.all(role), Views.tokens(Instant.now()));
        }
    }

    /** Revokes a token. */
    @Command(
            name = "revoke",
            description = "Lets a token, and the sessions that began with it, be refused from now on.")
    static final class Revoke extends OfTokens {
        @Parameters(index = "0", paramLabel = "ID|NAME", description = "Its id, or its name.")
        private String which = "";

        @Override
        ExitStatus run(TokenRegister register, Printer printer) {
            JsonNode revoked = register.revoke(id(register.all(null)));
            return printer.changed(revoked, Views.tokens(Instant.now()));
        }

        private String id(JsonNode tokens) {
            return StreamSupport.stream(tokens.spliterator(), false)
                    .filter(token -> !token.hasNonNull("revoked_at")
                            && token.path("name").asText().equals(which))
                    .map(token -> token.path("token_id").asText())
                    .findFirst()
                    .orElse(which);
        }
    }
}
