package io.kloigos.driver.ssh;

import io.kloigos.spi.HostPlan;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.PlanReport;
import io.kloigos.spi.StepReport;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.TreeMap;

/**
 * What a plan's program printed so far. The same program may be heard more than once, after a lost connection; the
 * listener hears of each step's begin and end once.
 */
final class PlanProgress {
    private static final String PREFIX = "@kloigos\t";
    private static final int STRAY_LINES = 10;

    private final HostPlan plan;
    private final PlanListener listener;
    private final TreeMap<Integer, StepReport> ended = new TreeMap<>();
    private final Deque<String> stray = new ArrayDeque<>();
    private final StringBuilder detail = new StringBuilder();
    private int begunUpTo = -1;
    private int running = -1;
    private boolean started;
    private boolean done;
    private boolean cancelled;
    private Optional<String> fence = Optional.empty();
    private Optional<String> busy = Optional.empty();

    PlanProgress(HostPlan plan, PlanListener listener) {
        this.plan = plan;
        this.listener = listener;
    }

    /** Forgets what belongs to the exec that was lost. */
    void again() {
        started = false;
        running = -1;
        busy = Optional.empty();
        fence = Optional.empty();
        detail.setLength(0);
        stray.clear();
    }

    void accept(String line) {
        if (!line.startsWith(PREFIX)) {
            stray.add(line);
            if (stray.size() > STRAY_LINES) {
                stray.remove();
            }
            return;
        }
        String[] fields = line.substring(PREFIX.length()).split("\t", 2);
        String rest = fields.length > 1 ? fields[1] : "";
        switch (fields[0]) {
            case "started" -> started = true;
            case "begun" -> begun(Integer.parseInt(rest));
            case "detail" -> detail.append(detail.isEmpty() ? "" : "\n").append(rest);
            case "ended" -> ended(rest.split("\t"));
            case "done" -> {
                done = true;
                cancelled = rest.equals("cancelled");
            }
            case "fenced" -> fence = Optional.of(rest);
            case "busy" -> busy = Optional.of(rest);
            default -> stray.add(line);
        }
    }

    private void begun(int index) {
        running = index;
        if (index > begunUpTo) {
            begunUpTo = index;
            listener.begun(index);
        }
    }

    private void ended(String[] fields) {
        int index = Integer.parseInt(fields[0]);
        StepReport report = new StepReport(
                index,
                StepReport.Outcome.valueOf(fields[1].toUpperCase(Locale.ROOT)),
                Long.parseLong(fields[2]),
                detail.toString());
        detail.setLength(0);
        running = -1;
        StepReport before = ended.get(index);
        if (before == null) {
            ended.put(index, report);
            listener.ended(report);
        } else if (report.outcome() == StepReport.Outcome.FAILED) {
            // Run again after it was cut short, and failing this time: the listener heard of an end, the report says
            // which.
            ended.put(index, report);
        }
    }

    /** Tells whether the host began with the steps, which it does after it has the locks. */
    boolean started() {
        return started;
    }

    /** Tells whether the plan came to its end, be it by a failed step. */
    boolean done() {
        return done;
    }

    /** Returns who held the lock when waiting for it was given up. */
    Optional<String> busy() {
        return busy;
    }

    /** Tells whether a plan of this id held a lock when waiting for it was given up. */
    boolean busyWith(String planId) {
        return List.of(busy.orElse("").split(" ")).contains(planId);
    }

    /** Returns the fence that the host has seen, if it refused the plan for it. */
    Optional<String> fence() {
        return fence;
    }

    PlanReport report() {
        List<StepReport> steps = List.copyOf(ended.values());
        return cancelled ? PlanReport.cancelled(steps) : PlanReport.of(steps);
    }

    /** Returns the step in progress in words, for messages. */
    String step() {
        return running < 0
                ? "between steps"
                : "in step " + (running + 1) + " of " + plan.steps().size() + " ("
                        + plan.steps().get(running).summarize() + ")";
    }

    /** Returns how far the plan is known to have come, in words, for messages. */
    String furthest() {
        return begunUpTo < 0
                ? "not known to have begun"
                : "last seen at step " + (begunUpTo + 1) + " of " + plan.steps().size();
    }

    /** Returns what was printed by others than the program. */
    String stray() {
        return String.join("\n", stray);
    }
}
