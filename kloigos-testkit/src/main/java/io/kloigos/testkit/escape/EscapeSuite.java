package io.kloigos.testkit.escape;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import io.kloigos.testkit.lab.Lab;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Base64;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * Runs a Python program as a hostile tenant inside a unit, while a witness, who is root and outside, looks at what happens.
 * The host needs Python 3 and an x86_64 kernel, and nothing is installed: {@link #close()} removes what was sent.
 *
 * <p>A suite does one thing at a time; it is not safe for several threads.
 */
public final class EscapeSuite implements AutoCloseable {
    private static final ObjectMapper JSON = JsonMapper.builder()
            .propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE)
            .build();

    private static final List<String> MODULES = List.of(
            "__main__",
            "cpu",
            "files",
            "identities",
            "jobs",
            "kernel",
            "logins",
            "logs",
            "memory",
            "neighbour",
            "numa",
            "ports",
            "processes",
            "quotas",
            "suite",
            "survival",
            "syscalls",
            "tasks",
            "transfer",
            "uring",
            "userservice",
            "witness");

    private static final String DIRECTORY = "/run/kloigos-escape";

    private static final String SEND = """
            mkdir -p %1$s && chmod 755 %1$s && base64 -d > %1$s/escape.zip <<'END'
            %2$s
            END
            """;

    private static final String WITNESS = """
            cd / && python3 %1$s/escape.zip tidy
            setsid python3 %1$s/escape.zip witness "$1" > %1$s/witness.log 2>&1 < /dev/null &
            echo $! > %1$s/pid
            for _ in $(seq 300); do grep -q ready %1$s/witness.log && exit 0; sleep 0.1; done
            cat %1$s/witness.log >&2; exit 1
            """.formatted(DIRECTORY);

    private static final String TIDY = """
            [ ! -e %1$s/pid ] || kill "$(cat %1$s/pid)" 2> /dev/null
            [ ! -e %1$s/escape.zip ] || python3 %1$s/escape.zip tidy
            rm -rf %1$s
            """.formatted(DIRECTORY);

    private final Shell shell;
    private final Party tenant;
    private final String values;

    /** A way to run a bash script as a user of the host, e.g. {@code lab::ssh}. */
    public interface Shell {
        /** Logs in as {@code user}, runs a script that sees the arguments as {@code $1}, ..., and returns what it said. */
        Lab.Result run(String user, String bashScript, String... arguments);
    }

    private EscapeSuite(Shell shell, Party tenant, Party neighbour) {
        this.shell = shell;
        this.tenant = tenant;
        this.values = write(Map.of("tenant", tenant.values(), "neighbour", neighbour.values()));
    }

    /**
     * Sends the program to the host and starts the witness and, in the neighbour's slice, the neighbour.
     *
     * @param shell must let in root and the tenant
     * @throws AssertionError with what was said, if they do not come up
     */
    public static EscapeSuite start(Shell shell, Party tenant, Party neighbour) {
        shell.run(
                        "root",
                        SEND.formatted(
                                DIRECTORY,
                                Base64.getMimeEncoder(76, new byte[] {'\n'}).encodeToString(program())))
                .ok();
        EscapeSuite suite = new EscapeSuite(shell, tenant, neighbour);
        shell.run("root", WITNESS, suite.values).ok();
        return suite;
    }

    /**
     * Runs the attempts with these ids, or all if none is named, and returns what became of them in the order in which they
     * ended.
     *
     * @throws AssertionError if an attempt came to no verdict
     */
    public List<Attempt> run(String... ids) {
        return attempts("tenant", ids);
    }

    /**
     * Leaves, as the tenant, what is to outlive its release: jobs, services, keys, files, credentials in the hands of a neighbour
     * that is in league with it. Then the unit is to be released and given to the next tenant.
     */
    public void plant() {
        as(tenant.user(), "plant").ok();
    }

    /**
     * Has the neighbour close something that it holds of the tenant's. Until then the unit cannot be released.
     *
     * @param what {@code socket} or {@code overlay}
     */
    public void letGo(String what) {
        as("root", "let_go", what).ok();
    }

    /**
     * Looks, as the next tenant of the same unit, for what {@link #plant} left, and returns what became of each. Takes more
     * than a minute, in which a job would run. Before the release all of it is there, so each has escaped.
     *
     * @throws AssertionError if an attempt came to no verdict
     */
    public List<Attempt> survivors() {
        return attempts("survivors");
    }

    private List<Attempt> attempts(String role, String... ids) {
        return as(tenant.user(), role, ids).ok().lines().map(EscapeSuite::read).toList();
    }

    private Lab.Result as(String user, String role, String... ids) {
        String program = "cd / && exec python3 " + DIRECTORY + "/escape.zip " + role + " \"$@\"";
        String[] arguments = new String[ids.length + 1];
        arguments[0] = values;
        System.arraycopy(ids, 0, arguments, 1, ids.length);
        return shell.run(user, program, arguments);
    }

    /** Returns the program, as a zip archive that Python runs. */
    static byte[] program() {
        ByteArrayOutputStream bytes = new ByteArrayOutputStream();
        try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
            for (String module : MODULES) {
                zip.putNextEntry(new ZipEntry(module + ".py"));
                try (InputStream in = EscapeSuite.class.getResourceAsStream(module + ".py")) {
                    Objects.requireNonNull(in, module).transferTo(zip);
                }
            }
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return bytes.toByteArray();
    }

    private static String write(Object values) {
        try {
            return JSON.writeValueAsString(values);
        } catch (JsonProcessingException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static Attempt read(String line) {
        try {
            JsonNode json = JSON.readTree(line);
            return new Attempt(
                    json.get("id").asText(),
                    json.get("area").asText(),
                    json.get("tried").asText(),
                    json.get("answered").asText(),
                    Attempt.Verdict.valueOf(json.get("verdict").asText().toUpperCase(Locale.ROOT)));
        } catch (JsonProcessingException e) {
            throw new AssertionError("not an attempt: " + line, e);
        }
    }

    /** Ends the witness and the neighbour and removes the program; what the neighbour stored stays until its deallocation. */
    @Override
    public void close() {
        shell.run("root", TIDY).ok();
    }
}
