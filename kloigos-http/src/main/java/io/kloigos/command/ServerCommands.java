package io.kloigos.command;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import io.kloigos.client.ApiRequest;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.ArgGroup;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** What is done to servers. */
@Command(
        name = "server",
        description = "Brings servers under management, takes them out of service and gives them back.",
        subcommands = {
            ServerCommands.Init.class,
            ServerCommands.ListAll.class,
            ServerCommands.Show.class,
            ServerCommands.Cordon.class,
            ServerCommands.Uncordon.class,
            ServerCommands.Forget.class,
            ServerCommands.Drain.class,
            ServerCommands.Decommission.class
        })
final class ServerCommands extends RemoteCommand.Group {
    private static final JsonMapper JSON = new JsonMapper();

    /** Brings a host under management. */
    @Command(
            name = "init",
            description =
                    "Brings a host under management and cuts it into units. It is looked at first; what speaks against"
                            + " it is said at once, and nothing is touched.")
    static final class Init extends BackgroundCommand {
        @Parameters(paramLabel = "SERVER", description = "The name under which it will be managed.")
        private String hostname = "";

        @Option(names = "--ip", paramLabel = "IP", required = true, description = "Its address.")
        private String ip = "";

        @Option(names = "--region", paramLabel = "REGION", required = true, description = "Where it stands.")
        private String region = "";

        @Option(names = "--zone", paramLabel = "ZONE", required = true, description = "Where in the region.")
        private String zone = "";

        @ArgGroup(multiplicity = "1")
        private Division division = new Division();

        /** How it is cut. */
        static final class Division {
            @Option(
                    names = "--cpus",
                    paramLabel = "RANGE",
                    description = "The CPUs of a unit, such as 4-7; give one for each unit.")
            private List<String> ranges = new ArrayList<>();

            @Option(names = "--units", paramLabel = "N", description = "N units, as large as possible.")
            private @Nullable Integer units;

            @Option(names = "--cpus-per-unit", paramLabel = "N", description = "As many units of N CPUs as possible.")
            private @Nullable Integer cpusPerUnit;
        }

        @Option(
                names = "--housekeeping-cpus",
                paramLabel = "N|CPUS",
                description = "How many CPUs the system keeps (8), or which (0-7, or 0-0 for CPU 0).")
        private @Nullable String housekeeping;

        @Option(names = "--ssh-port", paramLabel = "PORT", description = "Its SSH port.")
        private @Nullable Integer sshPort;

        @Option(names = "--ssh-user", paramLabel = "NAME", description = "Who logs in.")
        private @Nullable String sshUser;

        @Option(names = "--host-key", paramLabel = "SHA256:...", description = "The host key that it must have.")
        private @Nullable String hostKey;

        @Option(
                names = "--data-disk",
                paramLabel = "DEVICE",
                description = "A whole, blank disk for the units' data: one for all, or one for each.")
        private List<String> dataDisks = new ArrayList<>();

        @Option(
                names = "--volume-group",
                paramLabel = "NAME",
                description = "An LVM volume group, of which each unit gets a logical volume for its data.")
        private @Nullable String volumeGroup;

        @Option(
                names = "--limit",
                paramLabel = "NAME=VALUE",
                description = "A limit of each unit, such as memory_max=8G.")
        private Map<String, String> limits = new LinkedHashMap<>();

        @Override
        ApiRequest request(Session session) {
            ObjectNode body = JSON.createObjectNode()
                    .put("hostname", hostname)
                    .put("ip", ip)
                    .put("region", region)
                    .put("zone", zone);
            if (division.units != null) {
                body.put("units", division.units);
            } else if (division.cpusPerUnit != null) {
                body.put("cpus_per_unit", division.cpusPerUnit);
            } else {
                body.set("cpu_ranges", JSON.valueToTree(division.ranges));
            }
            if (housekeeping != null) {
                body.set("housekeeping_cpus", Values.numberOrText(housekeeping));
            }
            body.put("ssh_port", sshPort).put("ssh_user", sshUser).put("host_key", hostKey);
            body.put("volume_group", volumeGroup).set("data_disks", JSON.valueToTree(dataDisks));
            body.set("limits", Values.limits(limits));
            return ApiRequest.of("POST", "/api/admin/init_server").with(body);
        }
    }

    /** Lists servers. */
    @Command(name = "list", description = "Lists the servers.")
    static final class ListAll extends RemoteCommand {
        @Option(names = "--region", paramLabel = "REGION", description = "Those in this region.")
        private @Nullable String region;

        @Option(names = "--zone", paramLabel = "ZONE", description = "Those in this zone.")
        private @Nullable String zone;

        @Option(
                names = "--status",
                paramLabel = "STATUS",
                completionCandidates = Candidates.ServerStatuses.class,
                description = "Those in this status, such as ready.")
        private @Nullable String status;

        @Override
        ExitStatus run(Session session) {
            ApiRequest request = ApiRequest.of("GET", "/api/servers")
                    .with("region", region)
                    .with("zone", zone)
                    .with("status", status);
            return session.list(session.send(request), Views.SERVERS);
        }
    }

    /** Shows a server. */
    @Command(name = "show", description = "Shows a server: its facts, its warnings and its data disks.")
    static final class Show extends RemoteCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Override
        ExitStatus run(Session session) {
            return session.show(session.get("/api/servers/{}", hostname));
        }
    }

    /** Lets a server get no new tenants. */
    @Command(name = "cordon", description = "Lets a server get no new tenants; those that it has stay.")
    static final class Cordon extends RemoteCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why, as others will read it.")
        private String reason = "";

        @Override
        ExitStatus run(Session session) {
            ApiRequest request = ApiRequest.of("POST", "/api/servers/{}/cordon", hostname)
                    .with(Values.reason(reason))
                    .once();
            return session.changed(session.send(request), Views.SERVERS);
        }
    }

    /** Lets a server get tenants again. */
    @Command(name = "uncordon", description = "Lets a server get tenants again.")
    static final class Uncordon extends RemoteCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Override
        ExitStatus run(Session session) {
            return session.changed(
                    session.send(ApiRequest.of("POST", "/api/servers/{}/uncordon", hostname)
                            .once()),
                    Views.SERVERS);
        }
    }

    /** Gives up a server whose host is gone. */
    @Command(
            name = "forget",
            description =
                    "Writes down that a server is gone for good, when its decommission has failed since nobody can reach the"
                            + " host any more. Nothing is done on a host: what tenants left there stays there.")
    static final class Forget extends RemoteCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why nobody can erase it.")
        private String reason = "";

        @Mixin
        private Confirmation confirmation = new Confirmation();

        @Override
        ExitStatus run(Session session) {
            confirmation.ask(session, hostname, "What tenants left on " + hostname + " is not erased.");
            ApiRequest request = ApiRequest.of("POST", "/api/servers/{}/forget", hostname)
                    .with(Values.reason(reason))
                    .once();
            return session.changed(session.send(request), Views.SERVERS);
        }
    }

    /** Empties a server. */
    @Command(
            name = "drain",
            description =
                    "Cordons a server and takes back every unit on it. Without --force it is refused while tenants"
                            + " hold units.")
    static final class Drain extends BackgroundCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Option(names = "--reason", paramLabel = "TEXT", required = true, description = "Why, as others will read it.")
        private String reason = "";

        @Option(names = "--force", description = "End and erase the tenants.")
        private boolean force;

        @Mixin
        private Confirmation confirmation = new Confirmation();

        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("POST", "/api/servers/{}/drain", hostname)
                    .with("force", force)
                    .with(Values.reason(reason));
        }

        @Override
        void confirm(Session session) {
            if (force) {
                confirmation.ask(session, hostname, "This ends and erases every tenant on " + hostname + ".");
            }
        }

        @Override
        ExitStatus change(Session session, ApiRequest request) {
            ObjectNode answer = (ObjectNode) session.send(request);
            if (session.format().isForPeople()) {
                session.changed(answer.path("server"), Views.SERVERS);
            }
            return afterwards(session, answer);
        }
    }

    /** Gives a server back. */
    @Command(
            name = "decommission",
            description =
                    "Gives a server back: every trace of Kloigos is removed from it. Without --force it is refused"
                            + " while tenants hold units.")
    static final class Decommission extends BackgroundCommand {
        @Parameters(paramLabel = "SERVER", description = "Its name.")
        private String hostname = "";

        @Option(names = "--force", description = "End and erase the tenants.")
        private boolean force;

        @Option(names = "--wipe-data-disks", description = "Blank its data disks too.")
        private boolean wipe;

        @Mixin
        private Confirmation confirmation = new Confirmation();

        @Override
        ApiRequest request(Session session) {
            return ApiRequest.of("DELETE", "/api/admin/decommission_server/{}", hostname)
                    .with("force", force)
                    .with("wipe_data_disks", wipe);
        }

        @Override
        void confirm(Session session) {
            confirmation.ask(
                    session,
                    hostname,
                    "This removes every unit of " + hostname
                            + (force ? ", ends and erases their tenants" : "")
                            + (wipe ? ", and blanks its data disks" : "") + ".");
        }
    }
}
