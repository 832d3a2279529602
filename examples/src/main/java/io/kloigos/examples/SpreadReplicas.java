package io.kloigos.examples;

import io.kloigos.Kloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.AntiAffinity;
import io.kloigos.model.CpuSet;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Placement;
import io.kloigos.model.SshPublicKey;
import io.kloigos.model.Tags;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;

/** Replicas of one deployment on different servers, and what is said when there is no further server. */
public final class SpreadReplicas {
    private static final SshPublicKey KEY = new SshPublicKey(
            "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDc6KL3e9j3FbCj6kNhl0mQyV0z1H5m2jzJp8tq0bY5k ann@example.org");

    private SpreadReplicas() {}

    /** Prints where the replicas are; the only argument is a directory for the database. */
    public static void main(String[] arguments) {
        FakeFleet fleet = FakeFleet.of(
                FakeHost.builder("host1", "10.0.0.1").cpus(16).build(),
                FakeHost.builder("host2", "10.0.0.2").cpus(16).build());
        try (Kloigos kloigos = Kloigos.builder()
                .driver(fleet.driver())
                .database(Path.of(arguments[0], "kloigos.db"))
                .build()) {
            List<CpuSet> ranges = List.of(CpuSet.parse("4-7"), CpuSet.parse("8-11"));
            fleet.hosts()
                    .forEach(host ->
                            kloigos.await(kloigos.initServer(InitServerRequest.of(host.address(), "eu", "a", ranges))
                                    .id()));
            Tags tags = new Tags(Map.of("deployment_id", "web"));
            List<SshPublicKey> keys = List.of(KEY);
            AllocateRequest replica = new AllocateRequest(
                    4,
                    "eu",
                    null,
                    tags,
                    keys,
                    null,
                    Placement.SPREAD,
                    new AntiAffinity("deployment_id", AntiAffinity.Scope.SERVER));
            System.out.println("one on " + kloigos.allocate(replica).hostname());
            System.out.println("one on " + kloigos.allocate(replica).hostname());
            try {
                kloigos.allocate(replica);
            } catch (KloigosException refusal) {
                System.out.println(refusal.getMessage());
            }
        }
    }
}
