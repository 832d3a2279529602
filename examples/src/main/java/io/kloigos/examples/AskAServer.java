package io.kloigos.examples;

import static io.kloigos.examples.FiveMinuteTour.KEY;

import io.kloigos.Fleet;
import io.kloigos.client.ClientSettings;
import io.kloigos.client.RemoteKloigos;
import io.kloigos.model.AllocateRequest;
import io.kloigos.model.ComputeUnit;
import io.kloigos.model.RequestKey;
import io.kloigos.model.Tags;
import io.kloigos.model.UnitFilter;

/** Takes a unit of a fleet that a server manages, and gives it back. Arguments: the server's address, and perhaps a token. */
public final class AskAServer {
    private AskAServer() {}

    /** Runs it. */
    public static void main(String[] arguments) {
        ClientSettings anybody = ClientSettings.of(arguments[0]);
        ClientSettings settings = arguments.length < 2 ? anybody : anybody.withToken(arguments[1]);
        try (Fleet fleet = RemoteKloigos.connect(settings)) {
            ComputeUnit unit =
                    fleet.allocate(new AllocateRequest(4, "eu", null, Tags.none(), KEY), RequestKey.of("job-17"));
            System.out.println("ssh " + unit.user() + "@" + unit.ip());
            System.out.println(fleet.await(fleet.deallocate(unit.id()).id()).state());
            fleet.units(UnitFilter.all()).forEach(each -> System.out.println(each.id() + " " + each.status()));
        }
    }
}
