package io.kloigos.examples;

import io.kloigos.Event;
import io.kloigos.Kloigos;
import io.kloigos.KloigosListener;
import io.kloigos.model.CpuSet;
import io.kloigos.model.InitServerRequest;
import io.kloigos.model.Operation;
import io.kloigos.model.Operation.StepState;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import java.io.PrintStream;
import java.nio.file.Path;
import java.util.List;

/**
 * Prints what happens to servers, units and operations, as it happens. It is told on the thread that made it happen, so it
 * only prints; what takes time goes to a queue and to a thread of its own.
 */
public final class PrintEvents implements KloigosListener {
    private final PrintStream out;

    /** Prints to {@code out}. */
    public PrintEvents(PrintStream out) {
        this.out = out;
    }

    @Override
    public void happened(Event event) {
        if (event instanceof Event.ServerChanged changed) {
            out.println("server " + changed.server().hostname() + " is "
                    + changed.server().status());
        } else if (event instanceof Event.UnitChanged changed) {
            out.println("unit " + changed.unit().id() + " is " + changed.unit().status());
        } else if (event instanceof Event.OperationChanged changed) {
            print(changed.operation());
        }
    }

    /** Steps come one at a time; between them an operation begins, a step has ended, or all have. */
    private void print(Operation operation) {
        operation.steps().stream()
                .filter(step -> step.state() == StepState.RUNNING)
                .forEach(step -> out.println("  " + step.description()));
        if (operation.state().isEnded()) {
            out.println(operation.kind() + " of " + operation.hostname() + " has " + operation.state());
        }
    }

    /** Prepares a fake host and prints what happens; the only argument is a directory for the database. */
    public static void main(String[] arguments) {
        FakeHost host = FakeHost.builder("host1", "10.0.0.1").build();
        try (Kloigos kloigos = Kloigos.builder()
                .driver(new ThrottledHostDriver(FakeFleet.of(host).driver(), 8))
                .database(Path.of(arguments[0], "kloigos.db"))
                .build()) {
            kloigos.listen(new PrintEvents(System.out));
            List<CpuSet> ranges = List.of(CpuSet.parse("4-7"), CpuSet.parse("8-15"));
            kloigos.await(kloigos.initServer(InitServerRequest.of(host.address(), "eu", "a", ranges))
                    .id());
        }
    }
}
