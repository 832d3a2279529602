package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import io.kloigos.DriftPolicy;
import io.kloigos.http.AccessSettings;
import io.kloigos.model.Fault;
import io.kloigos.model.KloigosException;
import io.kloigos.rules.Bases;
import java.io.IOException;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.EnumMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class ServeSettingsTest {
    @TempDir
    private Path directory;

    private ServeSettings read(Map<Setting, String> options, Map<String, String> environment) {
        return ServeSettings.read(options, List.of(), environment, directory);
    }

    private List<String> faults(Map<Setting, String> options, List<String> unknown, Map<String, String> environment) {
        KloigosException refusal = catchThrowableOfType(
                KloigosException.class, () -> ServeSettings.read(options, unknown, environment, directory));
        return refusal.faults().stream().map(Fault::toString).toList();
    }

    private void write(String name, String yaml) throws IOException {
        Files.writeString(directory.resolve(name), yaml);
    }

    @Test
    void haveDefaults() {
        assertThat(read(Map.of(), Map.of("PATH", "/bin")))
                .isEqualTo(new ServeSettings(
                        new ListenAddress("127.0.0.1", 8080),
                        null,
                        DriverName.SSH,
                        new FleetSize(6, 64, 4),
                        Duration.ofMillis(5),
                        DriftPolicy.REPORT,
                        "root",
                        22,
                        null,
                        null,
                        AccessSettings.standard(),
                        Upkeep.standard()));
    }

    @Test
    void anOptionWinsOverAVariableOverTheFile() throws IOException {
        write("kloigos.yaml", """
                listen: "[::1]:1"
                database: file.db
                ssh_port: 1
                driver: local
                fleet: 1x1x1
                fake_latency: 2s
                drift_policy: repair
                tls_cert: cert.pem
                tls_key: key.pem
                public_url: https://kloigos.example
                oidc_issuer: https://id.example/realms/x
                oidc_audience: kloigos
                oidc_roles_claim: realm_access.roles
                oidc_tenant_claim: team
                rate_limit: 7
                audit_keep: 90d
                drift_every: never
                event_streams: 3
                event_streams_total: 5
                operations_keep: 30d
                expiry_notice: 2h
                lease: 90s
                shutdown_delay: 5s
                first_uid: 30000
                first_port: 10000
                ports_per_unit: 50
                """);
        assertThat(read(
                        Map.of(Setting.LISTEN, "localhost:3", Setting.DRIVER, "fake"),
                        Map.of(
                                "KLOIGOS_LISTEN", "localhost:2",
                                "KLOIGOS_FLEET", "50x256x16",
                                "KLOIGOS_SSH_PORT", "2")))
                .isEqualTo(new ServeSettings(
                        new ListenAddress("localhost", 3),
                        new DatabaseLocation.SqliteFile(Path.of("file.db")),
                        DriverName.FAKE,
                        new FleetSize(50, 256, 16),
                        Duration.ofSeconds(2),
                        DriftPolicy.REPAIR,
                        "root",
                        2,
                        null,
                        null,
                        new AccessSettings(
                                new AccessSettings.Tls(Path.of("cert.pem"), Path.of("key.pem")),
                                new AccessSettings.Oidc(
                                        URI.create("https://id.example/realms/x"),
                                        "kloigos",
                                        "realm_access.roles",
                                        "team"),
                                URI.create("https://kloigos.example"),
                                7,
                                new AccessSettings.EventStreams(3, 5)),
                        new Upkeep(
                                null,
                                Duration.ofDays(30),
                                Duration.ofDays(90),
                                Duration.ofSeconds(90),
                                Duration.ofHours(2),
                                Duration.ofSeconds(5),
                                new Bases(30000, 10000, 50))));
    }

    @Test
    void howHostsAreLoggedInToIsReadFromEachSource() throws IOException {
        write("kloigos.yaml", """
                ssh_user: file
                ssh_key: file_key
                known_hosts: file_hosts
                """);
        ServeSettings settings = read(Map.of(Setting.SSH_USER, "option"), Map.of("KLOIGOS_SSH_KEY", "variable_key"));
        assertThat(settings.sshUser()).isEqualTo("option");
        assertThat(settings.sshKey()).isEqualTo(Path.of("variable_key"));
        assertThat(settings.knownHosts()).isEqualTo(Path.of("file_hosts"));
    }

    @Test
    void whatProtectsIsReadTogether() {
        assertThat(faults(
                        Map.of(
                                Setting.TLS_CERT,
                                "cert.pem",
                                Setting.OIDC_ISSUER,
                                "http://id.example",
                                Setting.OIDC_ROLES_CLAIM,
                                "",
                                Setting.PUBLIC_URL,
                                "https://kloigos.example/console",
                                Setting.RATE_LIMIT,
                                "0",
                                Setting.AUDIT_KEEP,
                                "1y"),
                        List.of(),
                        Map.of()))
                .hasSize(7)
                .anyMatch(fault -> fault.equals("--tls-cert: needs --tls-key too"))
                .anyMatch(fault -> fault.equals("--oidc-issuer: needs --oidc-audience too"))
                .anyMatch(fault -> fault.startsWith("--oidc-issuer: \"http://id.example\" is not an https:// URL"))
                .anyMatch(fault -> fault.equals("--oidc-roles-claim: is empty"))
                .anyMatch(fault -> fault.startsWith("--public-url: \"https://kloigos.example/console\" is more than"))
                .anyMatch(fault -> fault.startsWith("--rate-limit: \"0\" is not a number of requests"))
                .anyMatch(fault -> fault.startsWith("--audit-keep: \"1y\" is not a number of days"));
        assertThat(faults(Map.of(Setting.OIDC_AUDIENCE, "x", Setting.TLS_KEY, "k"), List.of(), Map.of()))
                .containsExactlyInAnyOrder(
                        "--oidc-audience: needs --oidc-issuer too", "--tls-key: needs --tls-cert too");
    }

    @Test
    void timesAndNumbersHaveLimits() {
        Map<Setting, String> options = new EnumMap<>(Setting.class);
        options.put(Setting.OPERATIONS_KEEP, "23h");
        options.put(Setting.LEASE, "0s");
        options.put(Setting.DRIFT_EVERY, "often");
        options.put(Setting.SHUTDOWN_DELAY, "1h");
        options.put(Setting.EVENT_STREAMS, "0");
        options.put(Setting.FIRST_UID, "999");

        assertThat(faults(options, List.of(), Map.of()))
                .hasSize(6)
                .anyMatch(fault -> fault.startsWith("--operations-keep: \"23h\" is not a time such as"))
                .anyMatch(fault -> fault.startsWith("--lease: \"0s\" is not a time"))
                .anyMatch(fault -> fault.startsWith("--drift-every: \"often\" is not a time"))
                .anyMatch(fault -> fault.startsWith("--shutdown-delay: \"1h\" is not a time"))
                .anyMatch(fault -> fault.equals("--event-streams: \"0\" is not a number: 1 to 100000"))
                .anyMatch(fault -> fault.contains("the first uid 999 is not within 1000-60000"));
    }

    @Test
    void thereAreTwoDriftPolicies() {
        assertThat(faults(Map.of(Setting.DRIFT_POLICY, "ignore"), List.of(), Map.of()))
                .containsExactly("--drift-policy: \"ignore\" is neither \"report\" nor \"repair\"");
    }

    @Test
    void theFileMayBeNamedByOptionOrVariable() throws IOException {
        write("kloigos.yaml", "ssh_port: 1");
        write("other.yaml", "ssh_port: 2");
        write("third.yaml", "# nothing\n");
        assertThat(read(Map.of(Setting.CONFIG, "other.yaml"), Map.of("KLOIGOS_CONFIG", "third.yaml"))
                        .sshPort())
                .isEqualTo(2);
        assertThat(read(Map.of(), Map.of("KLOIGOS_CONFIG", "third.yaml")).sshPort())
                .isEqualTo(22);
    }

    @Test
    void everythingUnknownIsRefusedAtOnceWithItsNearestMatch() throws IOException {
        write("kloigos.yaml", "listne: 127.0.0.1:8080\nssh_prot: 22\nconfig: x.yaml\n");
        assertThat(faults(Map.of(), List.of("--lisen", "x", "--databse=y", "z", "w"), Map.of("KLOIGOS_DATABSE", "x")))
                .containsExactlyInAnyOrder(
                        "--lisen: there is no such option; did you mean \"--listen\"?",
                        "--databse: there is no such option; did you mean \"--database\"?",
                        "w: is no option",
                        "KLOIGOS_DATABSE: there is no such variable; did you mean \"KLOIGOS_DATABASE\"?",
                        "kloigos.yaml.listne: there is no such key; did you mean \"listen\"?",
                        "kloigos.yaml.ssh_prot: there is no such key; did you mean \"ssh_port\"?",
                        "kloigos.yaml.config: there is no such key; known are audit_keep, database, drift_every, drift_policy,"
                                + " driver, event_streams, event_streams_total, expiry_notice, fake_latency,"
                                + " first_port, first_uid, fleet, known_hosts, lease, listen, oidc_audience, oidc_issuer,"
                                + " oidc_roles_claim, oidc_tenant_claim, operations_keep, ports_per_unit, public_url,"
                                + " rate_limit, shutdown_delay, ssh_key, ssh_port, ssh_user, tls_cert, tls_key");
    }

    @Test
    void everyFaultyValueIsToldWithWhereItStands() throws IOException {
        write("kloigos.yaml", "ssh_user: Root\ndatabase: ''\nknown_hosts: [a]\n");
        assertThat(faults(Map.of(Setting.LISTEN, "8080"), List.of(), Map.of("KLOIGOS_SSH_PORT", "70000")))
                .satisfiesExactlyInAnyOrder(
                        fault -> assertThat(fault).startsWith("kloigos.yaml.known_hosts: must be a text or a number"),
                        fault -> assertThat(fault).startsWith("--listen: \"8080\" is not HOST:PORT"),
                        fault -> assertThat(fault).startsWith("KLOIGOS_SSH_PORT: \"70000\" is not a port"));
    }

    @Test
    void whatOnlySimulatedHostsCanUseIsRefusedWithOthers() {
        assertThat(faults(
                        Map.of(Setting.FLEET, "2x16x4", Setting.DRIVER, "local"),
                        List.of(),
                        Map.of("KLOIGOS_FAKE_LATENCY", "5ms")))
                .containsExactlyInAnyOrder(
                        "--fleet: only with --driver fake; leave it out with local",
                        "KLOIGOS_FAKE_LATENCY: only with --driver fake; leave it out with local");
        assertThat(faults(Map.of(Setting.FLEET, "2x16x4"), List.of(), Map.of()))
                .containsExactly("--fleet: only with --driver fake; leave it out with ssh");
        assertThat(faults(Map.of(Setting.FLEET, "2x16x4", Setting.DRIVER, "fkae"), List.of(), Map.of()))
                .containsExactly("--driver: there is no driver \"fkae\"; did you mean \"fake\"?");
    }

    @ParameterizedTest
    @ValueSource(strings = {"local", "fake"})
    void whatOnlyLogsInToHostsIsRefusedWhereNobodyLogsIn(String driver) throws IOException {
        write("kloigos.yaml", "known_hosts: hosts");
        assertThat(faults(
                        Map.of(Setting.DRIVER, driver, Setting.SSH_KEY, "key", Setting.SSH_PORT, "2222"),
                        List.of(),
                        Map.of("KLOIGOS_SSH_USER", "admin")))
                .containsExactlyInAnyOrder(
                        "--ssh-key: only with --driver ssh; leave it out with " + driver,
                        "KLOIGOS_SSH_USER: only with --driver ssh; leave it out with " + driver,
                        "kloigos.yaml.known_hosts: only with --driver ssh; leave it out with " + driver);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "50",
                "50x256",
                "0x256x16",
                "5001x256x16",
                "1x0x1",
                "1x2000x16",
                "1x16x17",
                "1x16x0",
                "1x301x1"
            })
    void aFleetIsServersAndCpusAndCpusOfUnits(String text) {
        assertThat(faults(Map.of(Setting.DRIVER, "fake", Setting.FLEET, text), List.of(), Map.of()))
                .singleElement()
                .satisfies(fault -> assertThat(fault).startsWith("--fleet: \"" + text + "\" "));
        assertThat(FleetSize.parse("5000x256x16")).hasToString("5000x256x16");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "5", "ms", "-1ms", "5m", "61s", "0.5s"})
    void aLatencyIsMillisecondsOrSeconds(String text) {
        assertThat(faults(Map.of(Setting.DRIVER, "fake", Setting.FAKE_LATENCY, text), List.of(), Map.of()))
                .singleElement()
                .satisfies(fault -> assertThat(fault).startsWith("--fake-latency: \"" + text + "\" is not a time"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"[a", "- a", "text", "a: 1\na: 2", "a: b: c"})
    void aFileThatIsNoMappingIsRefused(String yaml) throws IOException {
        write("kloigos.yaml", yaml);
        assertThat(faults(Map.of(), List.of(), Map.of()))
                .singleElement()
                .satisfies(fault -> assertThat(fault).startsWith("kloigos.yaml: "));
    }

    @Test
    void aNamedFileMustExist() {
        assertThat(faults(Map.of(Setting.CONFIG, "none.yaml"), List.of(), Map.of()))
                .singleElement()
                .satisfies(fault -> assertThat(fault).startsWith("none.yaml: cannot be read"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"127.0.0.1:0", "localhost:65535", "[::1]:8080", "0.0.0.0:80"})
    void listenIsHostAndPort(String text) {
        ListenAddress address = ListenAddress.parse(text);
        assertThat(address.url("http", address.port())).isEqualTo("http://" + text);
        assertThat(address.isLoopback()).isEqualTo(!text.startsWith("0"));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "8080", ":8080", "localhost", "localhost:65536", "::1:8080", "a b:1", "http://a:1"})
    void listenIsNothingElse(String text) {
        assertThat(faults(Map.of(Setting.LISTEN, text), List.of(), Map.of())).hasSize(1);
    }

    @Test
    void aDatabaseIsAFileOrAPostgresUrlWhosePasswordIsNeverPrinted() {
        DatabaseLocation postgres = DatabaseLocation.parse("jdbc:postgresql://db1/kloigos?user=k&password=secret");
        assertThat(postgres).hasToString("jdbc:postgresql://db1/kloigos");
        assertThat(DatabaseLocation.parse("data/kloigos.db"))
                .isEqualTo(new DatabaseLocation.SqliteFile(Path.of("data/kloigos.db")));
        assertThat(faults(Map.of(Setting.DATABASE, "postgres://k:secret@db1/kloigos"), List.of(), Map.of()))
                .singleElement()
                .asString()
                .contains("jdbc:postgresql://HOST/NAME")
                .doesNotContain("secret");
        assertThat(faults(
                        Map.of(Setting.DRIVER, "fake", Setting.DATABASE, "jdbc:postgresql://db1/kloigos"),
                        List.of(),
                        Map.of()))
                .singleElement()
                .asString()
                .startsWith("--database");
    }
}
