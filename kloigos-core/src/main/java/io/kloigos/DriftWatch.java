package io.kloigos;

import io.kloigos.inventory.Inventory;
import io.kloigos.model.ComputeId;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Deviation;
import io.kloigos.model.DriftReport;
import io.kloigos.model.HostFacts;
import io.kloigos.model.KloigosException;
import io.kloigos.model.Operation;
import io.kloigos.model.PortEnforcement;
import io.kloigos.model.Server;
import io.kloigos.model.UnitFilter;
import io.kloigos.model.Warning;
import io.kloigos.planner.DriftCheck;
import io.kloigos.planner.FactsProbe;
import io.kloigos.rules.KnownLimits;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.Reading;
import java.time.Duration;
import java.time.InstantSource;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.concurrent.RejectedExecutionException;
import java.util.concurrent.ScheduledThreadPoolExecutor;
import java.util.concurrent.ThreadFactory;
import java.util.concurrent.TimeUnit;
import java.util.function.Consumer;
import java.util.stream.Stream;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/** Looks whether hosts are as the inventory says. Thread-safe. */
final class DriftWatch implements AutoCloseable {
    private static final Logger LOG = LoggerFactory.getLogger(DriftWatch.class);

    /** How many servers are taken on at once; some wait, so that no thread does. */
    private static final int TAKEN_ON = 2 * HostThreads.PARALLEL;

    private static final Duration LONGEST_TICK = Duration.ofSeconds(5);

    private final Inventory inventory;
    private final HostDriver driver;
    private final InstantSource clock;
    private final String manager;
    private final Consumer<Event> announced;
    private final ScheduledThreadPoolExecutor timer;
    private final HostThreads threads;
    private volatile boolean closed;

    /**
     * @param manager what init noted on hosts about who manages them
     * @param announced told of what a look found when it is not what the one before it found
     */
    DriftWatch(
            Inventory inventory,
            HostDriver driver,
            InstantSource clock,
            String manager,
            Consumer<Event> announced,
            ThreadFactory factory) {
        this.inventory = inventory;
        this.driver = driver;
        this.clock = clock;
        this.manager = manager;
        this.announced = announced;
        this.timer = new ScheduledThreadPoolExecutor(1, factory);
        this.threads = new HostThreads(factory, HostThreads.PATIENCE);
    }

    /**
     * From now on looks at every ready server from time to time.
     *
     * @param found told of what was found
     */
    void start(Duration every, Consumer<DriftReport> found) {
        long tick = Math.min(every.dividedBy(2).toMillis(), LONGEST_TICK.toMillis());
        var unused = timer.scheduleWithFixedDelay(
                () -> attempt(() -> lookAtDue(every, found)), tick, tick, TimeUnit.MILLISECONDS);
    }

    private static void attempt(Runnable look) {
        try {
            look.run();
        } catch (RuntimeException e) {
            LOG.warn("Cannot look for drift, and will try again: {}", e.getMessage());
        } catch (Error e) {
            // The executor would not run the task again, and tell nobody.
            LOG.error("Cannot look for drift, and will try again", e);
        }
    }

    /** Takes on no more than are soon looked at; other replicas may have the rest. */
    private synchronized void lookAtDue(Duration every, Consumer<DriftReport> found) {
        int room = TAKEN_ON - threads.pending();
        if (room < TAKEN_ON / 2) {
            return;
        }
        for (String hostname : inventory.drift().claimDue(every, room)) {
            execute(hostname, () -> {
                attempt(() -> found.accept(look(hostname)));
                attempt(() -> lookAtDue(every, found));
            });
        }
    }

    private void execute(String hostname, Runnable look) {
        try {
            Runnable unlessClosed = () -> {
                if (!closed) {
                    look.run();
                }
            };
            threads.execute(null, hostname, unlessClosed, () -> {});
        } catch (RejectedExecutionException e) {
            LOG.debug("{} is not looked at any more", hostname);
        }
    }

    /** Looks at a server whose repair has ended, so that what is kept of it is not older than that. */
    void repaired(Operation ended) {
        if (ended.kind() == Operation.Kind.REPAIR) {
            execute(ended.hostname(), () -> attempt(() -> look(ended.hostname())));
        }
    }

    /** Looks at no further server. */
    @Override
    public void close() {
        closed = true;
        timer.shutdownNow();
        threads.close();
    }

    /**
     * Looks at a server in one round trip and keeps what was found.
     *
     * @throws KloigosException NOT_FOUND; WRONG_STATE if the server is not ready; codes of kind HOST
     */
    DriftReport look(String hostname) {
        Server server = inventory.server(hostname).orElseThrow(() -> Inventory.unknownServer(hostname));
        server.requireReady("look for drift on");
        List<ComputeUnit> before = units(hostname);
        Set<ComputeId> moving = busy(before);
        DriftCheck check = DriftCheck.of(server, before, manager);
        List<Reading> readings = new ArrayList<>(check.readings());
        int compared = readings.size();
        readings.addAll(FactsProbe.readings());
        List<String> texts;
        try (HostSession session = driver.open(server.address())) {
            texts = session.read(readings);
        }
        learn(server, before, FactsProbe.update(server.facts(), texts.subList(compared, texts.size())));
        moving.addAll(changed(before, units(hostname)));
        DriftReport found = new DriftReport(
                hostname,
                clock.instant(),
                check.facts(),
                check.unitFacts(),
                check.compare(texts.subList(0, compared)).stream()
                        .filter(deviation -> !moving.contains(deviation.computeId()))
                        .toList());
        List<Deviation> known =
                inventory.drift().put(found).map(DriftReport::deviations).orElse(List.of());
        if (!found.deviations().equals(known)) {
            announced.accept(new Event.DriftChanged(found));
        }
        return found;
    }

    /** What a host can keep its units from changes with its kernel and with what is installed on it. */
    private void learn(Server server, List<ComputeUnit> units, HostFacts facts) {
        PortEnforcement enforcement = units.get(0).limits().portEnforcement();
        List<Warning> warnings = KnownLimits.refreshed(server.warnings(), facts, enforcement);
        if (!facts.equals(server.facts()) || !warnings.equals(server.warnings())) {
            inventory.drift().learn(server, facts, warnings, clock.instant());
            inventory.server(server.hostname()).ifPresent(known -> announced.accept(new Event.ServerChanged(known)));
        }
    }

    private List<ComputeUnit> units(String hostname) {
        return inventory.units(UnitFilter.ofServer(hostname));
    }

    /** Returns the units on which an operation is under way. */
    private Set<ComputeId> busy(List<ComputeUnit> units) {
        Set<ComputeId> busy = new HashSet<>();
        for (ComputeUnit unit : units) {
            if (Stream.ofNullable(unit.operationId())
                    .anyMatch(id -> !inventory.operations().isEnded(id))) {
                busy.add(unit.id());
            }
        }
        return busy;
    }

    /** Returns the units with which something was done in between, so that it is not known what was read. */
    private static Set<ComputeId> changed(List<ComputeUnit> before, List<ComputeUnit> after) {
        Map<ComputeId, ComputeUnit> now = new HashMap<>();
        after.forEach(unit -> now.put(unit.id(), unit));
        Set<ComputeId> changed = new HashSet<>();
        for (ComputeUnit unit : before) {
            ComputeUnit same = now.get(unit.id());
            if (same == null
                    || same.status() != unit.status()
                    || !Objects.equals(same.operationId(), unit.operationId())) {
                changed.add(unit.id());
            }
        }
        return changed;
    }
}
