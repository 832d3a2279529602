package io.kloigos;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.Server;
import io.kloigos.spi.HostPlan;
import java.util.List;

/**
 * What a call would do, without doing it.
 *
 * @param server the server as it would be
 * @param units the units concerned, as they would be
 * @param plan the exact steps on the host
 */
public record Preview(Server server, List<ComputeUnit> units, HostPlan plan) {
    public Preview {
        units = List.copyOf(units);
    }
}
