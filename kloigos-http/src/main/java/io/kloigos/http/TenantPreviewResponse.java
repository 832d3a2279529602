package io.kloigos.http;

import io.kloigos.Preview;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.UnitLimits;
import java.util.List;

/**
 * What a tenant would get by an allocation, as the API tells it; described in the API document under the same name. Nothing in it
 * is about a host, or about what others have there.
 */
record TenantPreviewResponse(List<Unit> units) {
    record Unit(String region, String zone, int cpuCount, long memoryMax, long swapMax, int tasksMax) {
        static Unit of(ComputeUnit unit) {
            UnitLimits limits = unit.limits();
            return new Unit(
                    unit.region(),
                    unit.zone(),
                    unit.cpus().count(),
                    limits.memoryMax().bytes(),
                    limits.swapMax().bytes(),
                    limits.tasksMax());
        }
    }

    static TenantPreviewResponse of(Preview preview) {
        return new TenantPreviewResponse(preview.units().stream().map(Unit::of).toList());
    }
}
