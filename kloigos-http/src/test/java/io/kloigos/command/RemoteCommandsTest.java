package io.kloigos.command;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.sun.net.httpserver.HttpServer;
import io.kloigos.Kloigos;
import io.kloigos.http.HttpSettings;
import io.kloigos.model.CpuSet;
import io.kloigos.model.HostAddress;
import io.kloigos.model.InitServerRequest;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.HostFailure;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.PrintWriter;
import java.io.StringReader;
import java.io.StringWriter;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.PosixFilePermissions;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Base64;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import picocli.CommandLine;

/** Every command that asks a server, before a real server on fake hosts. */
class RemoteCommandsTest {
    private static final String KEY =
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f tenant";
    private static final JsonMapper JSON = new JsonMapper();

    @TempDir
    private Path home;

    private final FakeHost host =
            FakeHost.builder("host1", "10.0.0.1").cpus(16).nodes(2).build();
    private final FakeHost other = FakeHost.builder("host2", "10.0.0.2").cpus(4).build();
    private final Map<String, String> environment = new HashMap<>();
    private final List<List<String>> programs = new ArrayList<>();
    private Kloigos kloigos;
    private io.kloigos.http.HttpServer server;
    private Surroundings.Screen screen = Surroundings.Screen.LINES;
    private String hostKeys = "";

    /** What a command did. */
    private record Ran(int status, String out, String err) {
        JsonNode json() throws IOException {
            return JSON.readTree(out);
        }

        Ran expect(ExitStatus wanted) {
            assertThat(status).as("out: %s, err: %s", out, err).isEqualTo(wanted.number());
            return this;
        }
    }

    @BeforeEach
    void start() {
        kloigos = Kloigos.builder()
                .driver(FakeFleet.of(host, other).driver())
                .database(home.resolve("kloigos.db"))
                .build();
        server = io.kloigos.http.HttpServer.start(kloigos, HttpSettings.loopback());
        environment.put("KLOIGOS_SERVER", "http://127.0.0.1:" + server.port());
        kloigos.await(kloigos.initServer(InitServerRequest.of(
                        new HostAddress("host1", "10.0.0.1", null, null, null),
                        "eu",
                        "a",
                        Stream.of("4-7", "8-11", "12-15").map(CpuSet::parse).toList()))
                .id());
    }

    @AfterEach
    void stop() {
        server.close();
        kloigos.close();
    }

    private Ran run(String... arguments) {
        return typing("", arguments);
    }

    private Ran typing(String input, String... arguments) {
        StringWriter out = new StringWriter();
        StringWriter err = new StringWriter();
        Surroundings surroundings = new Surroundings(
                environment,
                home,
                new BufferedReader(new StringReader(input)),
                screen,
                Duration.ZERO,
                command -> {
                    programs.add(command);
                    return 7;
                },
                command -> {
                    programs.add(command);
                    return hostKeys;
                });
        int status = KloigosCommand.commandLine(surroundings)
                .setOut(new PrintWriter(out))
                .setErr(new PrintWriter(err))
                .execute(arguments);
        return new Ran(status, out.toString(), err.toString());
    }

    private Ran allocate() {
        return run("unit", "allocate", "--cpus", "4", "--deployment-id", "web", "--ssh-key", KEY)
                .expect(ExitStatus.OK);
    }

    @Test
    void serversAreListedAndShown() throws IOException {
        assertThat(run("server", "list").expect(ExitStatus.OK).out().lines())
                .satisfiesExactly(
                        head -> assertThat(head).matches("SERVER +STATUS +ADDRESS +REGION +ZONE +CPUS +WARNINGS"),
                        row -> assertThat(row).matches("host1 +ready +10\\.0\\.0\\.1 +eu +a +16 +\\d+"));
        assertThat(run("server", "list", "-o", "wide").out()).contains("KERNEL");
        assertThat(run("server", "list", "-o", "json")
                        .json()
                        .path(0)
                        .path("hostname")
                        .asText())
                .isEqualTo("host1");
        assertThat(run("server", "list", "--region", "eu", "--zone", "a", "--status", "ready")
                        .out())
                .hasLineCount(2);
        assertThat(run("server", "list", "--zone", "b").out()).hasLineCount(1);
        assertThat(run("server", "list", "--status", "broken")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("there is no status");
        assertThat(run("server", "show", "host1").expect(ExitStatus.OK).out())
                .containsPattern("hostname +host1")
                .containsPattern("facts\n +os +debian");
        JsonNode yaml = new YAMLMapper()
                .readTree(run("server", "show", "host1", "-o", "yaml").out());
        assertThat(yaml).isEqualTo(run("server", "show", "host1", "-o", "json").json());
        assertThat(run("server", "show", "host9").expect(ExitStatus.NOT_FOUND).err())
                .startsWith("kloigos: ")
                .contains("host9");
    }

    @Test
    void aServerLivesItsWholeLife() throws IOException {
        Ran init = run(
                        "server",
                        "init",
                        "host2",
                        "--ip",
                        "10.0.0.2",
                        "--region",
                        "eu",
                        "--zone",
                        "b",
                        "--units",
                        "1",
                        "--limit",
                        "tasks_max=500")
                .expect(ExitStatus.OK);
        assertThat(init.out()).startsWith("init of host2 succeeded (operation ");
        assertThat(init.err().lines())
                .anySatisfy(
                        line -> assertThat(line)
                                .startsWith(
                                        "warning: processes_visible: a unit sees the names and arguments of everybody's processes"));
        assertThat(run("unit", "list", "--on", "host2").out()).contains("host2_");
        assertThat(run("unit", "list", "--on", "host2", "-o", "json").out()).contains("\"tasks_max\" : 500");
        assertThat(run("server", "cordon", "host2", "--reason", "new disks")
                        .expect(ExitStatus.OK)
                        .out())
                .contains("ready,cordoned");
        assertThat(run("server", "uncordon", "host2").expect(ExitStatus.OK).out())
                .doesNotContain("cordoned");
        run("unit", "allocate", "--zone", "b", "--ssh-key", KEY).expect(ExitStatus.OK);
        assertThat(run("server", "drain", "host2", "--reason", "old")
                        .expect(ExitStatus.REFUSED)
                        .err())
                .contains("tenants hold");
        assertThat(typing("host2\n", "server", "drain", "host2", "--reason", "old", "--force")
                        .expect(ExitStatus.OK)
                        .out())
                .contains("deallocate of host2_");
        assertThat(run("server", "drain", "host2", "--reason", "old", "-o", "json")
                        .expect(ExitStatus.OK)
                        .json()
                        .path("server")
                        .path("cordon_reason")
                        .asText())
                .isEqualTo("old");
        assertThat(run("server", "forget", "host2", "--reason", "burnt", "--yes")
                        .expect(ExitStatus.REFUSED)
                        .err())
                .contains("Cannot forget host2: it is ready");
        assertThat(run("server", "decommission", "host2")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("Type host2 to go on", "nothing was done");
        assertThat(run("server", "decommission", "host2", "--yes")
                        .expect(ExitStatus.OK)
                        .out())
                .startsWith("decommission of host2 succeeded");
    }

    @Test
    void anInitThatCannotBeSaysEveryReason() {
        assertThat(run(
                                "server",
                                "init",
                                "host2",
                                "--ip",
                                "10.0.0.2",
                                "--region",
                                "eu",
                                "--zone",
                                "b",
                                "--cpus",
                                "0-9",
                                "--cpus",
                                "9-10")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("cpu_ranges[1]: 9-10 shares CPU 9 with cpu_ranges[0]");
        assertThat(run("server", "init", "host1", "--ip", "10.0.0.1", "--region", "eu", "--zone", "b", "--units", "2")
                        .expect(ExitStatus.REFUSED)
                        .err())
                .contains("host1");
        assertThat(run("server", "init", "host2", "--region", "eu", "--zone", "b")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("--ip");
    }

    @Test
    void aUnitLivesItsWholeLife() throws IOException {
        assertThat(allocate().out()).containsPattern("host1_4-7 +allocated +4-7 +2000-2200 +u4-7@10\\.0\\.0\\.1 +web");
        assertThat(run("unit", "list", "--deployment-id", "web", "--status", "allocated")
                        .out()
                        .lines())
                .hasSize(2);
        assertThat(run("unit", "show", "host1_4-7").out()).containsPattern("tags\n +deployment_id +web");
        assertThat(run("unit", "usage", "host1_4-7").expect(ExitStatus.OK).out())
                .startsWith("host1_4-7 at ")
                .containsPattern("WHAT +USED +LIMIT")
                .containsPattern("memory +[0-9.]+[KMG]? +[0-9.]+[KMG]")
                .containsPattern("ports +\\S+ +2000-2200");
        assertThat(run("unit", "usage", "host1_4-7", "-o", "json").json().has("cpu_micros"))
                .isTrue();
        assertThat(run("unit", "resize", "host1_4-7", "memory_max=1G", "tasks_max=2000")
                        .expect(ExitStatus.OK)
                        .out())
                .contains("host1_4-7");
        assertThat(run("unit", "show", "host1_4-7").out()).containsPattern("memory_max +1G");
        assertThat(run("unit", "stop", "host1_4-7", "-y").expect(ExitStatus.OK).out())
                .contains("allocated,stopped");
        run("unit", "start", "host1_4-7").expect(ExitStatus.OK);
        Path another = Files.writeString(home.resolve("another.pub"), KEY.replace("tenant", "another") + "\n");
        run("unit", "keys", "host1_4-7", "--ssh-key", KEY, "--ssh-key", another.toString())
                .expect(ExitStatus.OK);
        assertThat(run("unit", "show", "host1_4-7", "-o", "json").json().path("ssh_public_keys"))
                .hasSize(2);
        run("unit", "tags", "host1_4-7", "deployment_id=api", "color=blue").expect(ExitStatus.OK);
        assertThat(run("unit", "show", "host1_4-7", "-o", "json")
                        .json()
                        .path("tags")
                        .toString())
                .isEqualTo("{\"deployment_id\":\"api\",\"color\":\"blue\"}");
        run("unit", "tags", "host1_4-7", "--add", "color=red", "size=l").expect(ExitStatus.OK);
        assertThat(run("unit", "show", "host1_4-7", "-o", "json")
                        .json()
                        .path("tags")
                        .toString())
                .isEqualTo("{\"deployment_id\":\"api\",\"color\":\"red\",\"size\":\"l\"}");
        run("unit", "tags", "host1_4-7").expect(ExitStatus.USAGE);
        run("unit", "tags", "host1_4-7", "--clear").expect(ExitStatus.OK);
        run("unit", "expire", "host1_4-7", "7d").expect(ExitStatus.OK);
        assertThat(run("unit", "show", "host1_4-7", "-o", "json").json().hasNonNull("expires_at"))
                .isTrue();
        run("unit", "expire", "host1_4-7", "never").expect(ExitStatus.OK);
        run("unit", "expire", "host1_4-7", "soon").expect(ExitStatus.USAGE);
        assertThat(typing("host1_4-7\n", "unit", "deallocate", "host1_4-7")
                        .expect(ExitStatus.OK)
                        .out())
                .startsWith("deallocate of host1_4-7 succeeded");
        assertThat(run("unit", "certificate", "host1_4-7").expect(ExitStatus.OK).out())
                .startsWith("host1_4-7 is clean")
                .containsPattern("crontabs +clean");
        assertThat(run("unit", "withdraw", "host1_4-7", "--reason", "broken fan")
                        .expect(ExitStatus.OK)
                        .out())
                .contains("unavailable");
        assertThat(run("unit", "put-back", "host1_4-7").expect(ExitStatus.OK).out())
                .contains("free");
    }

    @Test
    void theUsersOwnKeyIsTheTenantsUnlessNamed() throws IOException {
        assertThat(run("unit", "allocate").expect(ExitStatus.USAGE).err()).contains("ssh-keygen");
        Files.createDirectories(home.resolve(".ssh"));
        Files.writeString(home.resolve(".ssh/id_ed25519.pub"), KEY + "\n");

        assertThat(run("unit", "allocate", "-o", "json", "--tag", "a=b", "--expires", "2099-01-01T00:00:00Z")
                        .expect(ExitStatus.OK)
                        .json()
                        .path("ssh_public_keys")
                        .path(0)
                        .asText())
                .isEqualTo(KEY);
    }

    @Test
    void aUnitIsNotTakenBackUnlessItsNameIsTyped() {
        allocate();

        assertThat(typing("yes\n", "unit", "deallocate", "host1_4-7")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("This erases the tenant of host1_4-7 with all its data. Type host1_4-7 to go on:");
        assertThat(run("unit", "list", "--status", "allocated").out()).contains("host1_4-7");
    }

    @Test
    void whatFailedIsToldAndRetried() {
        allocate();
        host.inject(new HostFailure.FailStep(0, HostFailure.Effect.MISSING));

        Ran failed = run("unit", "deallocate", "host1_4-7", "--yes").expect(ExitStatus.FAILED);
        assertThat(failed.err()).contains("deallocate of host1_4-7 failed: ", "kloigos operation retry ");
        String id = failed.err().strip().replaceAll("(?s).* ", "");
        run("operation", "watch", id).expect(ExitStatus.FAILED);
        assertThat(run("operation", "retry", id).expect(ExitStatus.OK).out())
                .contains("deallocate of host1_4-7 succeeded");
        assertThat(run("operation", "cancel", id).expect(ExitStatus.REFUSED).err())
                .contains(id);
        run("operation", "retry", "none").expect(ExitStatus.NOT_FOUND);
        assertThat(run("operation", "list", "--limit", "1").out())
                .containsPattern(
                        "OPERATION +KIND +ON +STATE +CREATED +TOOK\n" + id + " +deallocate +host1_4-7 +succeeded");
        assertThat(run("operation", "list", "--limit", "1").err()).contains("the newest 1 only", "--all");
        Ran all = run("operation", "list", "--all").expect(ExitStatus.OK);
        assertThat(all.out()).contains(id).hasLineCount(4);
        assertThat(all.err()).isEmpty();
        assertThat(run("operation", "list", "--limit", "3").err()).isEmpty();
        assertThat(run("operation", "list", "--kind", "deallocate").out()).hasLineCount(2);
        assertThat(run("operation", "list", "--owner", "acme").out()).hasLineCount(1);
        run("operation", "list", "--limit", "0").expect(ExitStatus.USAGE);
        assertThat(run("operation", "list", "--all", "--limit", "1")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("mutually exclusive");
        assertThat(run("operation", "show", id).out())
                .containsPattern("attempt +2")
                .containsPattern("steps\n +STATE +TOOK +STEP +DETAIL\n +(un)?changed +[0-9.]+ m?s +\\S+")
                .containsPattern("ended_at +\\d{4}-\\d\\d-\\d\\dT\\d\\d:\\d\\d:\\d\\dZ\n");
    }

    @Test
    void aQuarantinedUnitIsReleasedByWordOnly() {
        assertThat(run("unit", "force-release", "host1_4-7", "--reason", "known", "--yes")
                        .expect(ExitStatus.REFUSED)
                        .err())
                .contains("host1_4-7");
        run("unit", "force-release", "host1_4-7", "--reason", "known").expect(ExitStatus.USAGE);
    }

    @Test
    void stepsAreShownAsPlainLinesUnlessOnATerminal() {
        allocate();
        Ran lines = run("unit", "deallocate", "host1_4-7", "--yes");
        String id = lines.out().replaceAll("(?s).*\\(operation (.*)\\)\n", "$1");
        assertThat(run("operation", "show", id).expect(ExitStatus.OK).out()).contains("steps");

        screen = Surroundings.Screen.TERMINAL;
        assertThat(run("operation", "watch", id).expect(ExitStatus.OK).err()).doesNotContain("\n");
    }

    @Test
    void aChangeThatTakesLongShowsItsSteps() throws Exception {
        allocate();
        host.latency(Duration.ofSeconds(1));
        Ran ran = run("unit", "deallocate", "host1_4-7", "--yes").expect(ExitStatus.OK);
        assertThat(ran.err()).containsPattern("  1/\\d+  (un)?changed ");
        assertThat(ran.err()).doesNotContain("\r");
    }

    @Test
    void anAllocationThatTakesLongShowsItsStepsToo() throws Exception {
        host.latency(Duration.ofSeconds(1));
        Ran ran = allocate();
        assertThat(ran.err()).containsPattern("  1/\\d+  (un)?changed ").containsPattern("(\\d+)/\\1  ");
        assertThat(ran.out()).contains("host1_4-7");

        screen = Surroundings.Screen.TERMINAL;
        assertThat(allocate().err()).contains("\r").endsWith("\r\u001b[K");
    }

    @Test
    void aPlanIsShownAndNothingIsDone() {
        String before = host.state();

        Ran plan =
                run("plan", "unit", "allocate", "--cpus", "4", "--ssh-key", KEY).expect(ExitStatus.OK);
        assertThat(plan.out()).contains("host1_4-7").containsPattern("\n  1  ");
        assertThat(run("unit", "allocate", "--dry-run", "--cpus", "4", "--ssh-key", KEY)
                        .out())
                .isEqualTo(plan.out());
        assertThat(run("plan", "server", "decommission", "host1")
                        .expect(ExitStatus.OK)
                        .out())
                .contains("/etc/kloigos");
        assertThat(run("plan", "server", "decommission", "host9").status).isEqualTo(ExitStatus.NOT_FOUND.number());
        assertThat(run("plan", "unit", "list").expect(ExitStatus.USAGE).err()).contains("there is no plan for this");
        assertThat(run("plan", "unit", "alocate").expect(ExitStatus.USAGE).err())
                .contains("alocate: there is no such command", "allocate");
        assertThat(run("plan", "unit").expect(ExitStatus.USAGE).err()).contains("name what to do: allocate, ");
        run("plan").expect(ExitStatus.USAGE);
        assertThat(host.state()).isEqualTo(before);
    }

    @Test
    void aKeyMakesACommandSafeToRepeat() {
        String[] command = {"unit", "allocate", "--key", "job-17", "--ssh-key", KEY};
        String first = run(command).expect(ExitStatus.OK).out();

        assertThat(run(command).expect(ExitStatus.OK).out()).isEqualTo(first);
        assertThat(run("unit", "list", "--status", "allocated").out().lines()).hasSize(2);
        run("unit", "allocate", "--key", "job-17", "--cpus", "4", "--tag", "other=1", "--ssh-key", KEY)
                .expect(ExitStatus.REFUSED);
    }

    @Test
    void whatIsNotWaitedForIsNamed() {
        allocate();

        String id = run("unit", "deallocate", "host1_4-7", "--yes", "--no-wait")
                .expect(ExitStatus.OK)
                .out()
                .strip();
        assertThat(run("operation", "watch", id).expect(ExitStatus.OK).out()).contains("(operation " + id + ")");
    }

    @Test
    void driftIsShownAndRepaired() {
        run("drift", "show", "host1", "--kept").expect(ExitStatus.NOT_FOUND);
        assertThat(run("drift", "show", "host1").expect(ExitStatus.OK).out()).startsWith("host1 differs in 0 of ");
        host.run("nft", "flush", "ruleset");
        assertThat(run("drift", "show", "host1").out()).containsPattern("port_range");
        assertThat(run("drift", "list", "--different").out()).containsPattern("host1 +[1-9]");
        assertThat(run("drift", "show", "host1_4-7").out()).startsWith("host1_4-7 differs in ");
        assertThat(run("plan", "drift", "repair", "host1").out()).contains("systemctl restart kloigos-ports.service");
        run("drift", "repair", "host1").expect(ExitStatus.OK);
        assertThat(run("drift", "show", "host1").out()).startsWith("host1 differs in 0 of ");
        assertThat(run("drift", "list").out()).containsPattern("host1 +0");
        assertThat(run("drift", "list", "--on", "host1").out()).containsPattern("host1 +0");
        assertThat(run("drift", "list", "--on", "host2").out()).doesNotContain("host1");
    }

    @Test
    void eventsArePrintedAsTheyHappen() throws Exception {
        CompletableFuture<Ran> words = CompletableFuture.supplyAsync(() -> run("events", "--count", "2"));
        CompletableFuture<Ran> objects =
                CompletableFuture.supplyAsync(() -> run("events", "--count", "1", "-o", "json"));
        while (!words.isDone() || !objects.isDone()) {
            run("server", "cordon", "host1", "--reason", "noise");
        }

        assertThat(words.get(1, TimeUnit.SECONDS).expect(ExitStatus.OK).out().lines())
                .contains("server host1 is ready,cordoned");
        JsonNode event = objects.get(1, TimeUnit.SECONDS).json();
        assertThat(event.path("event").asText()).isEqualTo("server");
        assertThat(event.path("data").path("hostname").asText()).isEqualTo("host1");
    }

    @Test
    void theInventoryIsAsAnsibleReadsIt() throws IOException {
        allocate();
        JsonNode inventory = run("inventory", "--list").expect(ExitStatus.OK).json();

        for (String group : List.of("kloigos", "server_host1", "region_eu", "zone_eu_a", "tag_deployment_id_web")) {
            assertThat(inventory.path(group).path("hosts").toString()).as(group).isEqualTo("[\"host1_4-7\"]");
        }
        JsonNode variables = inventory.path("_meta").path("hostvars").path("host1_4-7");
        assertThat(variables.path("ansible_host").asText()).isEqualTo("10.0.0.1");
        assertThat(variables.path("ansible_port").asInt()).isEqualTo(22);
        assertThat(variables.path("ansible_user").asText()).isEqualTo("u4-7");
        // Ansible takes this for text, whatever the tenant wrote.
        assertThat(variables.path("kloigos_tags").toString())
                .isEqualTo("{\"deployment_id\":{\"__ansible_unsafe\":\"web\"}}");
        assertThat(run("inventory", "--host", "host1_4-7").json()).isEqualTo(variables);
        run("inventory").expect(ExitStatus.USAGE);
    }

    @Test
    void sshGetsWhereAndAsWhom() {
        assertThat(run("unit", "ssh", "host1_4-7").expect(ExitStatus.REFUSED).err())
                .contains("it is free, not allocated");
        allocate();

        hostKeys = "# 10.0.0.1:22 SSH-2.0-OpenSSH\n" + hostKey("other") + hostKey("host1");

        assertThat(run("unit", "ssh", "host1_4-7", "-i", "id", "--", "df", "-h").status())
                .isEqualTo(7);
        Path known = home.resolve(".local/state/kloigos/known_hosts/10.0.0.1_22");
        List<String> ssh = List.of(
                "ssh",
                "-i",
                "id",
                "-o",
                "UserKnownHostsFile=\"" + known + "\"",
                "-o",
                "GlobalKnownHostsFile=/dev/null",
                "-o",
                "StrictHostKeyChecking=yes",
                "-o",
                "UpdateHostKeys=no",
                "-p",
                "22",
                "-l",
                "u4-7",
                "--",
                "10.0.0.1",
                "df",
                "-h");
        assertThat(programs).containsExactly(List.of("ssh-keyscan", "-T", "10", "-p", "22", "--", "10.0.0.1"), ssh);
        assertThat(known).hasContent(hostKey("host1"));
        programs.clear();
        run("unit", "ssh", "host1_4-7", "-i", "id", "--", "df", "-h");
        assertThat(programs).containsExactly(ssh);
        run("unit", "stop", "host1_4-7", "-y");
        assertThat(run("unit", "ssh", "host1_4-7").expect(ExitStatus.REFUSED).err())
                .contains("Start it first");
    }

    /** A line as of ssh-keyscan, with the key of which a fake host of this name has the fingerprint. */
    private static String hostKey(String hostname) {
        return "10.0.0.1 ssh-ed25519 " + Base64.getEncoder().encodeToString(hostname.getBytes(StandardCharsets.UTF_8))
                + "\n";
    }

    @Test
    void nobodyLogsInToAHostThatHasAnotherKeyThanTheServerKnows() {
        allocate();

        assertThat(run("unit", "ssh", "host1_4-7").expect(ExitStatus.FAILED).err())
                .contains("ssh-keyscan got no host key from 10.0.0.1, port 22");
        hostKeys = hostKey("other");
        assertThat(run("unit", "ssh", "host1_4-7").expect(ExitStatus.FAILED).err())
                .contains("has other host keys ("
                        + FakeHost.builder("other", "10.0.0.9").build().hostKey())
                .contains(") than " + host.hostKey());
        assertThat(programs).allMatch(program -> program.get(0).equals("ssh-keyscan"));
    }

    @Test
    void tokensAreThoseOfTheServerThatIsAsked() throws IOException {
        Ran first = run("token", "create", "ann", "--role", "admin").expect(ExitStatus.OK);
        assertThat(first.out()).matches("kloigos_\\S+\n");
        assertThat(first.err()).contains("for ann (admin), shown this once");
        run("token", "list").expect(ExitStatus.NOT_ALLOWED);
        environment.put("KLOIGOS_TOKEN", first.out().strip());

        JsonNode second = run(
                        "token",
                        "create",
                        "ci",
                        "--role",
                        "tenant",
                        "--tenant",
                        "acme",
                        "--expires",
                        "12h",
                        "-o",
                        "json")
                .expect(ExitStatus.OK)
                .json();
        assertThat(second.at("/details/tenant").asText()).isEqualTo("acme");
        assertThat(Instant.parse(second.at("/details/expires_at").asText()))
                .isBetween(
                        Instant.now().plus(Duration.ofHours(11)), Instant.now().plus(Duration.ofHours(12)));
        assertThat(run("token", "list").expect(ExitStatus.OK).out().lines())
                .hasSize(3)
                .anyMatch(line -> line.matches("\\S+ +ci +tenant +acme +\\S+Z +- +valid"));
        assertThat(run("token", "list", "--role", "admin", "-o", "json").json()).hasSize(1);
        run("token", "create", "ci", "--role", "admin").expect(ExitStatus.REFUSED);
        assertThat(run("token", "create", "x", "--role", "root")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("admin, operator, tenant, read-only");
        assertThat(run("token", "revoke", "ci").expect(ExitStatus.OK).out()).contains("revoked");
        run("token", "revoke", "ci").expect(ExitStatus.NOT_FOUND);
        run("token", "list", "--token", second.path("token").asText()).expect(ExitStatus.NOT_ALLOWED);
    }

    @Test
    void tokensAreThoseOfADatabaseThatIsNamed() throws IOException {
        environment.put("KLOIGOS_SERVER", "http://127.0.0.1:1");
        assertThat(run("token", "list").expect(ExitStatus.UNREACHABLE).err()).contains("--database");
        String database = home.resolve("kloigos.db").toString();

        assertThat(run("token", "create", "ann", "--role", "admin", "--expires", "12h", "--database", database)
                        .expect(ExitStatus.OK)
                        .out())
                .startsWith("kloigos_");
        assertThat(run("token", "list", "--database", database, "-o", "json")
                        .expect(ExitStatus.OK)
                        .json()
                        .path(0)
                        .path("name")
                        .asText())
                .isEqualTo("ann");
        run("token", "revoke", "nosuch", "--database", database).expect(ExitStatus.NOT_FOUND);
        run("token", "revoke", "ann", "--database", database).expect(ExitStatus.OK);
        assertThat(run("token", "list", "--database", home.resolve("none").toString())
                        .expect(ExitStatus.FAILED)
                        .err())
                .contains("There is no database");
    }

    @Test
    void aUnitThatIsATenantsNoLongerIsToldInWords() {
        assertThat(Views.event("unit_gone", JSON.createObjectNode().put("compute_id", "host1_4-7")))
                .isEqualTo("unit host1_4-7 is no longer yours");
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1023, 1023", "1024, 1K", "1536, 1.5K", "63417876480, 59.1G", "8589934592, 8G"})
    void sizesAreRounded(long bytes, String text) {
        assertThat(Rounded.size(bytes)).isEqualTo(text);
    }

    @Test
    void theCompletionOffersTheWordsOfWhichAnOptionTakesOne() {
        assertThat(run("completion").out())
                .contains("\"table\" \"wide\" \"json\" \"yaml\"")
                .contains("\"admin\" \"operator\" \"tenant\" \"read-only\"")
                .contains("\"ssh\" \"local\" \"fake\"")
                .contains("\"free\"", "\"decommission_fail\"", "\"rotate_keys\"")
                .contains("_kloigos_plan_unit_allocate()")
                .doesNotContain("_kloigos_plan_unit_list()");
    }

    @Test
    void theCompletionNamesEveryCommand() {
        String script = run("completion").expect(ExitStatus.OK).out();

        assertThat(script).contains("force-release", "--deployment-id", "complete -F");
    }

    @Test
    void aServerThatIsNotThereIsSaid() throws IOException {
        int free;
        try (ServerSocket socket = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
            free = socket.getLocalPort();
        }
        assertThat(run("unit", "list", "--server", "http://127.0.0.1:" + free)
                        .expect(ExitStatus.UNREACHABLE)
                        .err())
                .contains("cannot be reached");
        run("unit", "list", "--server", "127.0.0.1").expect(ExitStatus.USAGE);
    }

    @ParameterizedTest
    @CsvSource({"401, unauthorized", "403, forbidden"})
    void whoeverMayNotIsTold(int status, String code) throws IOException {
        HttpServer strict = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        strict.createContext("/", exchange -> {
            byte[] bytes = ("{\"code\": \"" + code + "\", \"detail\": \"Who are you, "
                            + exchange.getRequestHeaders().getFirst("Authorization") + "?\"}")
                    .getBytes(StandardCharsets.UTF_8);
            exchange.sendResponseHeaders(status, bytes.length);
            exchange.getResponseBody().write(bytes);
            exchange.close();
        });
        strict.start();
        String address = "http://127.0.0.1:" + strict.getAddress().getPort();
        environment.put("KLOIGOS_SERVER", address);
        try {
            assertThat(run("server", "list", "--token", "option")
                            .expect(ExitStatus.NOT_ALLOWED)
                            .err())
                    .contains("Bearer option");
            environment.put("KLOIGOS_TOKEN", "variable");
            assertThat(run("server", "list").err()).contains("Bearer variable");
            Path file = Files.writeString(home.resolve("token"), "file\n");
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-r-----"));
            assertThat(run("server", "list", "--token-file", file.toString())
                            .expect(ExitStatus.USAGE)
                            .err())
                    .contains("chmod 600 " + file);
            Files.setPosixFilePermissions(file, PosixFilePermissions.fromString("rw-------"));
            assertThat(run("server", "list", "--token-file", file.toString()).err())
                    .contains("Bearer file");
            environment.clear();
            Path config = config("rw-------", """
                    profile: live
                    profiles:
                      live: {server: "%s", token: profile}
                      file: {server: "%s", token_file: ~/token}
                    """.formatted(address, address));
            assertThat(run("server", "list").err()).contains("Bearer profile");
            assertThat(run("server", "list", "--profile", "file").err()).contains("Bearer file");
            Files.setPosixFilePermissions(config, PosixFilePermissions.fromString("rw-r--r--"));
            assertThat(run("server", "list").expect(ExitStatus.USAGE).err()).contains("chmod 600 " + config);
        } finally {
            strict.stop(0);
        }
    }

    @Test
    void aTokenIsNotSentUnencryptedToAnotherMachineUnlessThatIsAllowed() throws IOException {
        environment.put("KLOIGOS_SERVER", "http://kloigos.invalid:1");
        environment.put("KLOIGOS_TOKEN", "secret");

        assertThat(run("server", "list").expect(ExitStatus.USAGE).err())
                .contains("the token would go to http://kloigos.invalid:1 unencrypted", "--allow-plain-http")
                .doesNotContain("secret");
        run("server", "list", "--allow-plain-http").expect(ExitStatus.UNREACHABLE);
        environment.put("KLOIGOS_ALLOW_PLAIN_HTTP", "true");
        run("server", "list").expect(ExitStatus.UNREACHABLE);
        environment.put("KLOIGOS_ALLOW_PLAIN_HTTP", "maybe");
        assertThat(run("server", "list").expect(ExitStatus.USAGE).err()).contains("neither \"true\" nor \"false\"");
        environment.remove("KLOIGOS_ALLOW_PLAIN_HTTP");
        config("rw-------", """
                profile: lab
                profiles:
                  lab: {allow_plain_http: true}
                """);
        run("server", "list").expect(ExitStatus.UNREACHABLE);
    }

    private Path config(String mode, String text) throws IOException {
        Path directory = Files.createDirectories(home.resolve(".config/kloigos"));
        Path file = Files.writeString(directory.resolve("config.yaml"), text);
        return Files.setPosixFilePermissions(file, PosixFilePermissions.fromString(mode));
    }

    @Test
    void aProfileThatIsNoneIsSaid() throws IOException {
        assertThat(run("server", "list", "--profile", "lab")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("there is no profile lab");
        config("rw-r--r--", "profiles: {lab: {server: 'http://127.0.0.1:1'}, odd: {sever: x}}");
        assertThat(run("server", "list", "--profile", "lub")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("lab");
        assertThat(run("server", "list", "--profile", "odd")
                        .expect(ExitStatus.USAGE)
                        .err())
                .contains("\"sever\"", "server");
        run("server", "list", "--profile", "lab").expect(ExitStatus.OK);
        config("rw-r--r--", "profiles: [");
        assertThat(run("server", "list").expect(ExitStatus.USAGE).err()).contains("cannot be read as YAML");
    }

    @ParameterizedTest
    @ValueSource(strings = {"unit", "server", "operation", "drift", "token"})
    void aWordWithoutACommandNamesThose(String word) {
        assertThat(run(word).expect(ExitStatus.USAGE).err()).contains("Name what to do: ");
    }

    @Test
    void everyCommandExplainsItself() {
        for (CommandLine command : KloigosCommand.commandLine().getSubcommands().values()) {
            for (CommandLine each : command.getSubcommands().values()) {
                assertThat(each.getUsageMessage()).as(each.getCommandName()).contains("--help");
                assertThat(each.getCommandSpec().usageMessage().description()).isNotEmpty();
            }
        }
    }
}
