package io.kloigos.http.lab;

import org.junit.jupiter.api.extension.AfterEachCallback;
import org.junit.jupiter.api.extension.BeforeEachCallback;
import org.junit.jupiter.api.extension.ExtensionContext;

/** Says which test runs: those on the lab take minutes, and somebody is waiting. */
final class Narrator implements BeforeEachCallback, AfterEachCallback {
    @Override
    public void beforeEach(ExtensionContext context) {
        System.out.println(context.getRequiredTestClass().getSimpleName() + ": " + context.getDisplayName());
    }

    @Override
    public void afterEach(ExtensionContext context) {
        context.getExecutionException().ifPresent(failure -> System.out.println("  failed: " + failure.getMessage()));
    }
}
