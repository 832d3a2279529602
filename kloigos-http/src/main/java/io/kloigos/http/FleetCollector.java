package io.kloigos.http;

import io.kloigos.Kloigos;
import io.kloigos.model.FleetCounts;
import io.kloigos.model.KloigosException;
import io.prometheus.metrics.model.registry.MultiCollector;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot;
import io.prometheus.metrics.model.snapshots.GaugeSnapshot.GaugeDataPointSnapshot;
import io.prometheus.metrics.model.snapshots.Labels;
import io.prometheus.metrics.model.snapshots.MetricSnapshots;
import java.time.Instant;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * What is counted in the inventory when a monitoring system asks. Every replica tells the same. If the database fails, only
 * that is told, rather than what was so once. Thread-safe.
 */
final class FleetCollector implements MultiCollector {
    private static final Logger LOG = LoggerFactory.getLogger(FleetCollector.class);

    private final Kloigos kloigos;

    FleetCollector(Kloigos kloigos) {
        this.kloigos = kloigos;
    }

    @Override
    public MetricSnapshots collect() {
        try {
            return snapshots(kloigos.counts());
        } catch (KloigosException e) {
            LOG.warn("Cannot count what is in the inventory: {}", e.getMessage());
            return MetricSnapshots.of(counted(0));
        }
    }

    private static MetricSnapshots snapshots(FleetCounts counts) {
        MetricSnapshots.Builder snapshots = MetricSnapshots.builder();
        units(counts, snapshots);
        servers(counts, snapshots);
        operations(counts, snapshots);
        drift(counts, snapshots);
        return snapshots.metricSnapshot(counted(1)).build();
    }

    private static GaugeSnapshot counted(int value) {
        Gauge up = new Gauge("kloigos_inventory_up", "Whether the inventory could be read (1) or not (0).");
        up.add(Labels.EMPTY, value);
        return up.snapshot();
    }

    private static void units(FleetCounts counts, MetricSnapshots.Builder snapshots) {
        Gauge units = new Gauge("kloigos_units", "Units, by region, zone and status.");
        Gauge cpus = new Gauge("kloigos_unit_cpus", "Logical CPUs of units, by region, zone and status.");
        for (FleetCounts.UnitCount count : counts.units()) {
            Labels labels = Labels.of(
                    "region",
                    count.region(),
                    "zone",
                    count.zone(),
                    "status",
                    count.status().toString());
            units.add(labels, count.units());
            cpus.add(labels, count.cpus());
        }
        snapshots.metricSnapshot(units.snapshot()).metricSnapshot(cpus.snapshot());
    }

    private static void servers(FleetCounts counts, MetricSnapshots.Builder snapshots) {
        Gauge servers = new Gauge("kloigos_servers", "Servers, by region, zone, status and whether they are cordoned.");
        for (FleetCounts.ServerCount count : counts.servers()) {
            Labels place = Labels.of("region", count.region(), "zone", count.zone());
            servers.add(
                    place.add("status", count.status().toString()).add("cordoned", Boolean.toString(count.cordoned())),
                    count.servers());
        }
        snapshots.metricSnapshot(servers.snapshot());
    }

    private static void operations(FleetCounts counts, MetricSnapshots.Builder snapshots) {
        Gauge unfinished = new Gauge("kloigos_operations", "Operations that have not ended, by kind and state.");
        Gauge oldest = new Gauge(
                "kloigos_operations_oldest_timestamp_seconds",
                "Since when the oldest of the operations that have not ended waits or runs, by kind and state.");
        for (FleetCounts.OperationCount count : counts.unfinished()) {
            Labels labels = Labels.of(
                    "kind", count.kind().toString(), "state", count.state().toString());
            unfinished.add(labels, count.operations());
            oldest.add(labels, seconds(count.oldest()));
        }
        snapshots.metricSnapshot(unfinished.snapshot()).metricSnapshot(oldest.snapshot());
    }

    private static void drift(FleetCounts counts, MetricSnapshots.Builder snapshots) {
        Gauge deviations =
                new Gauge("kloigos_drift_deviations", "What differed on a ready server when it was last looked at.");
        Gauge checked = new Gauge(
                "kloigos_drift_checked_timestamp_seconds", "When a ready server was last looked at for drift.");
        for (FleetCounts.DriftCount count : counts.drift()) {
            Labels labels = Labels.of("server", count.hostname());
            deviations.add(labels, count.deviations());
            checked.add(labels, seconds(count.checkedAt()));
        }
        snapshots.metricSnapshot(deviations.snapshot()).metricSnapshot(checked.snapshot());
    }

    private static double seconds(Instant instant) {
        return instant.toEpochMilli() / 1e3;
    }

    /** A gauge that is being filled. */
    private static final class Gauge {
        private final GaugeSnapshot.Builder builder;

        Gauge(String name, String help) {
            builder = GaugeSnapshot.builder().name(name).help(help);
        }

        void add(Labels labels, Number value) {
            builder.dataPoint(GaugeDataPointSnapshot.builder()
                    .labels(labels)
                    .value(value.doubleValue())
                    .build());
        }

        GaugeSnapshot snapshot() {
            return builder.build();
        }
    }
}
