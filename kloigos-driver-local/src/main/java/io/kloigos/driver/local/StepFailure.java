package io.kloigos.driver.local;

/** Why a step failed, in the words of the machine. */
final class StepFailure extends RuntimeException {
    StepFailure(String message) {
        super(message, null, false, false);
    }

    String detail() {
        return String.valueOf(getMessage());
    }
}
