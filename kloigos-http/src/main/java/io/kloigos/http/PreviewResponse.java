package io.kloigos.http;

import io.kloigos.Preview;
import java.util.List;

/** What a request would do, as the API tells it; described in the API document under the same name. */
record PreviewResponse(List<ComputeUnitResponse> units, ServerResponse server, Plan plan) {
    record Plan(List<String> steps) {}

    static PreviewResponse of(Preview preview, HttpSettings settings) {
        int sshPort = ServerResponse.sshPort(preview.server(), settings);
        String hostKey = preview.server().address().hostKey();
        return new PreviewResponse(
                preview.units().stream()
                        .map(unit -> ComputeUnitResponse.of(unit, sshPort, hostKey))
                        .toList(),
                ServerResponse.of(preview.server(), settings),
                new Plan(preview.steps()));
    }
}
