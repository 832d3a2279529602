package io.kloigos.testkit;

import java.util.Arrays;
import java.util.Set;
import java.util.TreeSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.AfterAllCallback;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.api.extension.ExtensionContext.Namespace;
import org.junit.jupiter.api.extension.TestWatcher;

/** Says how much of the contract a driver was seen to keep: a class that overrides a test, or runs one only, keeps less. */
final class ContractTally implements TestWatcher, AfterAllCallback {
    private static final Namespace NAMESPACE = Namespace.create(ContractTally.class);

    @Override
    public void testSuccessful(ExtensionContext context) {
        context.getTestMethod()
                .filter(method -> method.getDeclaringClass().isAssignableFrom(HostDriverContract.class))
                .ifPresent(method -> kept(context.getParent().orElseThrow()).add(method.getName()));
    }

    @Override
    public void afterAll(ExtensionContext context) {
        System.out.println(context.getRequiredTestClass().getSimpleName() + ": "
                + kept(context).size() + " of " + behaviours() + " behaviours of the driver contract");
    }

    @SuppressWarnings("unchecked")
    private static Set<String> kept(ExtensionContext classContext) {
        return (Set<String>) classContext.getStore(NAMESPACE).computeIfAbsent("kept", key -> new TreeSet<String>());
    }

    static long behaviours() {
        return Arrays.stream(HostDriverContract.class.getMethods())
                .filter(method -> method.isAnnotationPresent(Test.class))
                .count();
    }
}
