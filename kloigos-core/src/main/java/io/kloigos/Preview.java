package io.kloigos;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Server;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.Step;
import java.util.List;

/**
 * What a call would do, without doing it.
 *
 * @param server the server as it would be
 * @param units the units concerned, as they would be
 * @param steps the exact steps on the host in their order, each as it describes itself
 */
public record Preview(Server server, List<ComputeUnit> units, List<String> steps) {
    public Preview {
        units = List.copyOf(units);
        steps = List.copyOf(steps);
    }

    static Preview of(Server server, List<ComputeUnit> units, HostPlan plan) {
        return of(server, units, List.of(plan));
    }

    static Preview of(Server server, List<ComputeUnit> units, List<HostPlan> plans) {
        return new Preview(
                server,
                units,
                plans.stream()
                        .flatMap(plan -> plan.steps().stream())
                        .map(Step::describe)
                        .toList());
    }
}
