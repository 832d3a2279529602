package io.kloigos.command;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.ApiRequest;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.KloigosException;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;

/** What is done to compute units. */
@Command(
        name = "unit",
        description = "Hands compute units to tenants, changes them, logs in, and takes them back.",
        subcommands = {
            UnitCommands.Allocate.class,
            UnitCommands.ListAll.class,
            UnitCommands.Show.class,
            UnitCommands.Usage.class,
            UnitCommands.Ssh.class,
            UnitCommands.Keys.class,
            UnitCommands.TagsOf.class,
            UnitCommands.Expire.class,
            UnitCommands.Resize.class,
            UnitCommands.Stop.class,
            UnitCommands.Start.class,
            UnitCommands.Deallocate.class,
            UnitCommands.Certificate.class,
            UnitCommands.ForceRelease.class,
            UnitCommands.Withdraw.class,
            UnitCommands.PutBack.class
        })
final class UnitCommands extends RemoteCommand.Group {
    private static final JsonMapper JSON = new JsonMapper();

    /** Hands a free unit to a tenant. */
    @Command(
            name = "allocate",
            description = "Hands a free unit to a tenant, and prints it when the tenant can log in.")
    static final class Allocate extends ChangeCommand {
        @Option(names = "--cpus", paramLabel = "N", description = "How many CPUs it has (any number).")
        private @Nullable Integer cpus;

        @Option(names = "--region", paramLabel = "REGION", description = "Where it is (anywhere).")
        private @Nullable String region;

        @Option(names = "--zone", paramLabel = "ZONE", description = "Where in the region (anywhere).")
        private @Nullable String zone;

        @Option(names = "--deployment-id", paramLabel = "ID", description = "The tag by which units are found.")
        private @Nullable String deploymentId;

        @Option(names = "--tag", paramLabel = "NAME=VALUE", description = "What the tenant notes.")
        private Map<String, String> tags = new LinkedHashMap<>();

        @Option(
                names = "--ssh-key",
                paramLabel = "FILE|KEY",
                description = "A public key with which the tenant logs in; may be repeated (your own in ~/.ssh).")
        private List<String> keys = new ArrayList<>();

        @Option(
                names = "--expires",
                paramLabel = "TIME",
                description = "When it is taken back: 90m, 12h, 7d, or 2026-12-31T12:00:00Z (on request only).")
        private @Nullable String expires;

        @Option(names = "--spread", description = "Prefer servers with few tenants, where they are packed otherwise.")
        private boolean spread;

        @Option(
                names = "--apart-by",
                paramLabel = "TAG",
                description = "On a server where no other unit has the same value of this tag.")
        private @Nullable String apartBy;

        @Option(
                names = "--apart-over",
                paramLabel = "WHAT",
                completionCandidates = Candidates.Scopes.class,
                description = "With --apart-by: server or zone (server).")
        private String apartOver = "server";

        @Override
        ApiRequest request(Session session) {
            ObjectNode body = JSON.createObjectNode()
                    .put("cpu_count", cpus)
                    .put("region", region)
                    .put("zone", zone)
                    .put("placement", spread ? "spread" : "pack");
            ObjectNode noted = Values.tags(tags);
            if (deploymentId != null) {
                noted.put("deployment_id", deploymentId);
            }
            body.set("tags", noted);
            body.set("ssh_public_keys", Values.keys(keys, session.surroundings()));
            if (expires != null) {
                body.put("expires_at", Values.time(expires, Instant.now()));
            }
            if (apartBy != null) {
                body.putObject("anti_affinity").put("tag", apartBy).put("over", apartOver);
            }
            return ApiRequest.of("POST", "/api/compute_units/allocate").with(body);
        }

        @Override
        ExitStatus change(Session session, ApiRequest request) {
            JsonNode unit = session.progress().during(() -> session.send(request), () -> begun(session, request));
            return session.changed(unit, Views.UNITS);
        }

        /** Returns the operation by which the server does it, which the answer would name only at its end. */
        private static Optional<String> begun(Session session, ApiRequest request) {
            ApiRequest question = ApiRequest.of("GET", "/api/operations")
                    .with("idempotency_key", Objects.requireNonNull(request.idempotencyKey()));
            JsonNode found = session.send(question);
            return found.isEmpty()
                    ? Optional.empty()
                    : Optional.of(found.path(0).path("id").asText());
        }
    }

    /** Lists units. */
    @Command(name = "list", description = "Lists the units.")
    static final class ListAll extends RemoteCommand {
        @Option(names = "--on", paramLabel = "SERVER", description = "Those of this server.")
        private @Nullable String hostname;

        @Option(names = "--region", paramLabel = "REGION", description = "Those in this region.")
        private @Nullable String region;

        @Option(names = "--zone", paramLabel = "ZONE", description = "Those in this zone.")
        private @Nullable String zone;

        @Option(names = "--cpus", paramLabel = "N", description = "Those with N CPUs.")
        private @Nullable Integer cpus;

        @Option(names = "--deployment-id", paramLabel = "ID", description = "Those with this tag.")
        private @Nullable String deploymentId;

        @Option(names = "--owner", paramLabel = "TENANT", description = "Those of this tenant.")
        private @Nullable String owner;

        @Option(
                names = "--status",
                paramLabel = "STATUS",
                completionCandidates = Candidates.UnitStatuses.class,
                description = "Those in this status, such as free.")
        private @Nullable String status;

        @Override
        ExitStatus run(Session session) {
            ApiRequest request = ApiRequest.of("GET", "/api/compute_units")
                    .with("hostname", hostname)
                    .with("region", region)
                    .with("zone", zone)
                    .with("cpu_count", cpus)
                    .with("deployment_id", deploymentId)
                    .with("owner", owner)
                    .with("status", status);
            return session.list(session.send(request), Views.UNITS);
        }
    }

    /** A command about one unit. */
    abstract static class OfUnit extends RemoteCommand {
        @Parameters(index = "0", paramLabel = "UNIT", description = "Its name, such as host1_4-7.")
        private String unit = "";

        String unit() {
            return unit;
        }
    }

    /** Shows a unit. */
    @Command(name = "show", description = "Shows a unit: its limits, directories, keys and tags.")
    static final class Show extends OfUnit {
        @Override
        ExitStatus run(Session session) {
            return session.show(session.get("/api/compute_units/{}", unit()));
        }
    }

    /** Shows what a unit uses. */
    @Command(name = "usage", description = "Shows what a unit uses now, by the kernel's counters and the quotas.")
    static final class Usage extends OfUnit {
        @Override
        ExitStatus run(Session session) {
            JsonNode usage = session.get("/api/compute_units/{}/usage", unit());
            if (!session.format().isForPeople()) {
                return session.show(usage);
            }
            session.out()
                    .println(
                            unit() + " at " + Rounded.time(usage.path("read_at").asText()));
            UsageTable.lines(usage, session.get("/api/compute_units/{}", unit()))
                    .forEach(session.out()::println);
            return ExitStatus.OK;
        }
    }

    /** Logs in. */
    @Command(
            name = "ssh",
            description = "Logs in to a unit by ssh, or runs a command in it. The host must have the key by which"
                    + " the server knows it. The exit status is that of ssh.")
    static final class Ssh extends OfUnit {
        @Option(
                names = {"-i", "--identity"},
                paramLabel = "FILE",
                description = "The private key, as of ssh.")
        private @Nullable String identity;

        @Parameters(index = "1..*", paramLabel = "COMMAND", description = "After --: what to run, instead of a shell.")
        private List<String> command = new ArrayList<>();

        private int status;

        @Override
        ExitStatus run(Session session) {
            JsonNode found = session.get("/api/compute_units/{}", unit());
            if (!found.path("status").asText().equals("allocated")
                    || found.path("stopped").asBoolean()) {
                throw new KloigosException(
                        ErrorCode.WRONG_STATE,
                        "Cannot log in to " + unit() + ": it is "
                                + (found.path("stopped").asBoolean()
                                        ? "stopped. Start it first."
                                        : found.path("status").asText() + ", not allocated."));
            }
            List<String> ssh = new ArrayList<>(List.of("ssh"));
            if (identity != null) {
                ssh.addAll(List.of("-i", identity));
            }
            ssh.addAll(HostKeys.options(session, found));
            ssh.addAll(List.of(
                    "-p",
                    found.path("ssh_port").asText(),
                    "-l",
                    found.path("user").asText(),
                    "--",
                    found.path("ip").asText()));
            ssh.addAll(command);
            status = session.surroundings().program().applyAsInt(ssh);
            return ExitStatus.OK;
        }

        @Override
        public Integer call() {
            int own = super.call();
            return own == 0 ? status : own;
        }
    }

    /** A change of a unit in a tenant's hands. */
    abstract static class OfTenant extends ChangeCommand {
        @Parameters(index = "0", paramLabel = "UNIT", description = "Its name, such as host1_4-7.")
        private String unit = "";

        String unit() {
            return unit;
        }

        @Override
        final ExitStatus change(Session session, ApiRequest request) {
            String before = operation(session).orElse("");
            JsonNode changed = session.progress()
                    .during(
                            () -> session.send(request),
                            () -> operation(session).filter(id -> !id.equals(before)));
            return session.changed(changed, Views.UNITS);
        }

        private Optional<String> operation(Session session) {
            return Optional.ofNullable(session.get("/api/compute_units/{}", unit)
                    .path("operation_id")
                    .textValue());
        }
    }

    /** Replaces the keys. */
    @Command(name = "keys", description = "Lets the tenant log in with these SSH keys and no others.")
    static final class Keys extends OfTenant {
        @Option(
                names = "--ssh-key",
                paramLabel = "FILE|KEY",
                required = true,
                description = "A public key; may be repeated.")
        private List<String> keys = new ArrayList<>();

        @Override
        ApiRequest request(Session session) {
            ObjectNode body = JSON.createObjectNode();
            body.set("ssh_public_keys", Values.keys(keys, session.surroundings()));
            return ApiRequest.of("PUT", "/api/compute_units/{}/ssh_keys", unit())
                    .with(body);
        }
    }

    /** Replaces the tags. */
    @Command(name = "tags", description = "Gives a unit these tags and no others, or more tags.")
    static final class TagsOf extends OfUnit {
        @Parameters(index = "1..*", paramLabel = "NAME=VALUE", description = "What the tenant notes.")
        private Map<String, String> tags = new LinkedHashMap<>();

        @Option(names = "--add", description = "Keep the tags that it has, but for those that are named.")
        private boolean add;

        @Option(names = "--clear", description = "No tags at all.")
        private boolean clear;

        @Override
        ExitStatus run(Session session) {
            if (clear != tags.isEmpty()) {
                throw new ParameterException(commandLine(), "Name the tags, or say --clear.");
            }
            ObjectNode body = JSON.createObjectNode();
            body.set("tags", add ? present(session).<JsonNode>setAll(Values.tags(tags)) : Values.tags(tags));
            return session.changed(
                    session.send(ApiRequest.of("PUT", "/api/compute_units/{}/tags", unit())
                            .with(body)),
                    Views.UNITS);
        }

        private ObjectNode present(Session session) {
            return (ObjectNode) session.get("/api/compute_units/{}", unit()).required("tags");
        }
    }

    /** Sets when a unit is taken back. */
    @Command(name = "expire", description = "Sets when a unit is taken back from its tenant.")
    static final class Expire extends OfUnit {
        @Parameters(
                index = "1",
                paramLabel = "TIME",
                description = "When: 90m, 12h, 7d, 2026-12-31T12:00:00Z, or never.")
        private String time = "";

        @Override
        ExitStatus run(Session session) {
            ObjectNode body = JSON.createObjectNode()
                    .put("expires_at", time.equals("never") ? null : Values.time(time, Instant.now()));
            return session.changed(
                    session.send(ApiRequest.of("PUT", "/api/compute_units/{}/expires_at", unit())
                            .with(body)),
                    Views.UNITS);
        }
    }

    /** Changes the limits. */
    @Command(name = "resize", description = "Changes what the tenant may use; what runs goes on.")
    static final class Resize extends OfTenant {
        @Parameters(
                index = "1..*",
                arity = "1..*",
                paramLabel = "NAME=VALUE",
                description = "A limit, such as memory_max=8G or tasks_max=2000.")
        private Map<String, String> limits = new LinkedHashMap<>();

        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("PATCH", "/api/compute_units/{}/limits", unit())
                    .with(Values.limits(limits));
        }
    }

    /** Stops. */
    @Command(
            name = "stop",
            description =
                    "Ends what runs in a unit and lets nobody in; files, keys and limits stay until it is started.")
    static final class Stop extends OfTenant {
        @Mixin
        private Confirmation confirmation = new Confirmation();

        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("POST", "/api/compute_units/{}/stop", unit());
        }

        @Override
        void confirm(Session session) {
            confirmation.ask(session, unit(), "This ends everything that runs in " + unit() + ".");
        }
    }

    /** Starts. */
    @Command(name = "start", description = "Lets a stopped unit run again.")
    static final class Start extends OfTenant {
        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("POST", "/api/compute_units/{}/start", unit());
        }
    }

    /** Takes a unit back. */
    @Command(name = "deallocate", description = "Takes a unit back, erases its tenant and proves it.")
    static final class Deallocate extends BackgroundCommand {
        @Parameters(paramLabel = "UNIT", description = "Its name, such as host1_4-7.")
        private String unit = "";

        @Mixin
        private Confirmation confirmation = new Confirmation();

        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("DELETE", "/api/compute_units/deallocate/{}", unit);
        }

        @Override
        void confirm(Session session) {
            confirmation.ask(session, unit, "This erases the tenant of " + unit + " with all its data.");
        }
    }

    /** Shows the certificate of a release. */
    @Command(
            name = "certificate",
            description = "Shows which traces of its last tenant were looked for, and whether any was found.")
    static final class Certificate extends OfUnit {
        @Override
        ExitStatus run(Session session) {
            JsonNode certificate = session.get("/api/compute_units/{}/certificate", unit());
            if (!session.format().isForPeople()) {
                return session.show(certificate);
            }
            session.out()
                    .println(unit() + " " + (certificate.path("clean").asBoolean() ? "is clean" : "is not clean")
                            + " (operation " + certificate.path("operation_id").asText() + ", "
                            + certificate.path("at").asText() + ")");
            if (certificate.hasNonNull("forced_reason")) {
                session.out()
                        .println("forced by an operator: "
                                + certificate.get("forced_reason").asText());
            }
            return session.list(certificate.path("findings"), Views.FINDINGS);
        }
    }

    /** Releases a quarantined unit by an operator's word. */
    @Command(
            name = "force-release",
            description = "Releases a quarantined unit although something of its tenant is left.")
    static final class ForceRelease extends OfUnit {
        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why this may be.")
        private String reason = "";

        @Mixin
        private Confirmation confirmation = new Confirmation();

        @Override
        ExitStatus run(Session session) {
            confirmation.ask(
                    session, unit(), "The next tenant of " + unit() + " may find something that the last one left.");
            ApiRequest request = ApiRequest.of("POST", "/api/compute_units/{}/force_release", unit())
                    .with(Values.reason(reason))
                    .once();
            return session.follow(session.api().send(request).operationId());
        }
    }

    /** Takes a free unit out of service. */
    @Command(name = "withdraw", description = "Takes a free unit out of service, so that no tenant gets it.")
    static final class Withdraw extends OfUnit {
        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why, as others will read it.")
        private String reason = "";

        @Override
        ExitStatus run(Session session) {
            return session.changed(
                    session.send(ApiRequest.of("POST", "/api/compute_units/{}/withdraw", unit())
                            .with(Values.reason(reason))
                            .once()),
                    Views.UNITS);
        }
    }

    /** Puts a unit back into service. */
    @Command(name = "put-back", description = "Puts a withdrawn unit back into service.")
    static final class PutBack extends OfUnit {
        @Override
        ExitStatus run(Session session) {
            return session.changed(
                    session.send(ApiRequest.of("POST", "/api/compute_units/{}/put_back", unit())
                            .once()),
                    Views.UNITS);
        }
    }
}
