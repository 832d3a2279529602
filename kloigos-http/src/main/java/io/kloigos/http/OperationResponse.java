package io.kloigos.http;

import io.kloigos.model.ComputeId;
import io.kloigos.model.ErrorCode;
import io.kloigos.model.Operation;
import io.kloigos.model.Tenant;
import java.time.Instant;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * An operation as the API tells it; described in the API document under the same name.
 *
 * @param steps null in lists
 */
record OperationResponse(
        String id,
        String kind,
        String hostname,
        @Nullable String computeId,
        String state,
        int attempt,
        @Nullable String error,
        @Nullable String errorCode,
        Instant createdAt,
        @Nullable Instant startedAt,
        @Nullable Instant endedAt,
        @Nullable List<Step> steps,
        @Nullable String owner) {

    record Step(
            String description,
            String state,
            long millis,
            @Nullable String detail) {
        static Step of(Operation.Step step) {
            return new Step(
                    step.description(),
                    step.state().toString(),
                    step.millis(),
                    step.detail().isEmpty() ? null : step.detail());
        }
    }

    static OperationResponse of(Operation operation) {
        return of(operation, operation.steps().stream().map(Step::of).toList());
    }

    static OperationResponse withoutSteps(Operation operation) {
        return of(operation, null);
    }

    private static OperationResponse of(Operation operation, @Nullable List<Step> steps) {
        ComputeId unit = operation.computeId();
        ErrorCode code = operation.errorCode();
        Tenant owner = operation.owner();
        return new OperationResponse(
                operation.id(),
                operation.kind().toString(),
                operation.hostname(),
                unit == null ? null : unit.value(),
                operation.state().toString(),
                operation.attempt(),
                operation.error(),
                code == null ? null : Problem.code(code),
                operation.createdAt(),
                operation.startedAt(),
                operation.endedAt(),
                steps,
                owner == null ? null : owner.name());
    }
}
