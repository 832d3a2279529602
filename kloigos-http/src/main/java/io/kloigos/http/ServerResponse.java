package io.kloigos.http;

import com.fasterxml.jackson.annotation.JsonProperty;
import io.kloigos.model.Capability;
import io.kloigos.model.CpuSet;
import io.kloigos.model.CpuTopology;
import io.kloigos.model.DataVolume;
import io.kloigos.model.HostFacts;
import io.kloigos.model.Server;
import io.kloigos.model.Warning;
import io.kloigos.planner.HostSettings;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;

/** A server as the API tells it; described in the API document under the same name. */
record ServerResponse(
        String hostname,
        String ip,
        int sshPort,
        String sshUser,
        @Nullable String hostKey,
        String region,
        String zone,
        boolean simulated,
        String status,
        @Nullable String reason,
        boolean cordoned,
        @Nullable String cordonReason,
        String housekeepingCpus,
        long memoryReserve,
        List<Warning> warnings,
        Facts facts,
        Settings settings,
        List<Volume> volumes,
        Instant createdAt,
        @Nullable String operationId) {

    record Facts(
            String os,
            String kernel,
            int systemdVersion,
            String onlineCpus,
            int cpuCount,
            List<CpuPackage> packages,
            List<String> cores,
            List<Cache> caches,
            List<Node> nodes,
            long memory,
            long swap,
            List<String> capabilities) {
        static Facts of(HostFacts facts) {
            return new Facts(
                    facts.os(),
                    facts.kernel(),
                    facts.systemdVersion(),
                    facts.onlineCpus().toString(),
                    facts.onlineCpus().count(),
                    CpuPackage.of(facts.topology()),
                    facts.topology().siblings().stream().map(CpuSet::toString).toList(),
                    facts.topology().caches().stream().map(Cache::of).toList(),
                    facts.nodes().entrySet().stream().map(Node::of).toList(),
                    facts.memory().bytes(),
                    facts.swap().bytes(),
                    facts.capabilities().stream()
                            .sorted()
                            .map(Capability::toString)
                            .toList());
        }
    }

    record Settings(
            Map<String, String> kernel, @Nullable String workqueueCpus, int connectionsPerSecond, int openConnections) {
        static Settings of(HostSettings settings) {
            CpuSet cpus = settings.workqueueCpus();
            return new Settings(
                    settings.kernel(),
                    cpus == null ? null : cpus.toString(),
                    settings.connectionsPerSecond(),
                    settings.openConnections());
        }
    }

    record CpuPackage(@JsonProperty("package") int number, String cpus, List<String> dies) {
        static List<CpuPackage> of(CpuTopology topology) {
            return topology.packages().entrySet().stream()
                    .map(entry -> new CpuPackage(
                            entry.getKey(),
                            entry.getValue().toString(),
                            topology.dies(entry.getKey()).stream()
                                    .map(CpuSet::toString)
                                    .toList()))
                    .toList();
        }
    }

    record Cache(int level, long size, String cpus) {
        static Cache of(CpuTopology.Cache cache) {
            return new Cache(cache.level(), cache.size().bytes(), cache.cpus().toString());
        }
    }

    record Node(int node, String cpus, long memory) {
        static Node of(Map.Entry<Integer, HostFacts.Node> entry) {
            return new Node(
                    entry.getKey(),
                    entry.getValue().cpus().toString(),
                    entry.getValue().memory().bytes());
        }
    }

    record Volume(String device, String filesystem, String label, String mountPoint) {
        static Volume of(DataVolume volume) {
            return new Volume(
                    volume.disk().device(), volume.disk().fileSystem().toString(), volume.label(), volume.mountPoint());
        }
    }

    static ServerResponse of(Server server, HttpSettings settings) {
        String user = server.address().sshUser();
        return new ServerResponse(
                server.hostname(),
                server.address().ip(),
                sshPort(server, settings),
                user == null ? settings.sshUser() : user,
                server.address().hostKey(),
                server.region(),
                server.zone(),
                server.facts().isSimulated(),
                server.status().toString(),
                server.reason().isEmpty() ? null : server.reason(),
                server.cordon() != null,
                server.cordon() == null ? null : server.cordon().text(),
                server.housekeepingCpus().toString(),
                server.memoryReserve().bytes(),
                server.warnings(),
                Facts.of(server.facts()),
                Settings.of(HostSettings.of(server)),
                server.volumes().stream().map(Volume::of).toList(),
                server.createdAt(),
                server.operationId());
    }

    static int sshPort(Server server, HttpSettings settings) {
        Integer port = server.address().sshPort();
        return port == null ? settings.sshPort() : port;
    }
}
