package io.kloigos.examples;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.kloigos.model.ErrorCode;
import io.kloigos.model.HostAddress;
import io.kloigos.model.KloigosException;
import io.kloigos.spi.HostDriver;
import io.kloigos.spi.HostPlan;
import io.kloigos.spi.HostSession;
import io.kloigos.spi.PlanListener;
import io.kloigos.spi.Step;
import io.kloigos.spi.StepReport;
import io.kloigos.testkit.FakeFleet;
import io.kloigos.testkit.FakeHost;
import io.kloigos.testkit.HostDriverContract;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;

/** The driver passes what every driver must pass, and does what it is for. */
class ThrottledHostDriverTest implements HostDriverContract {
    private final FakeHost host =
            FakeHost.builder("host1", "10.0.0.1").file("/scratch/.keep", "").build();
    private final HostDriver driver = new ThrottledHostDriver(FakeFleet.of(host).driver(), 2);

    @Override
    public HostDriver driver() {
        return driver;
    }

    @Override
    public HostDriver anotherDriver() {
        return new ThrottledHostDriver(FakeFleet.of(host).driver(), 2);
    }

    @Override
    public HostAddress host() {
        return host.address();
    }

    @Override
    public String scratchDirectory() {
        return "/scratch";
    }

    @AfterEach
    void close() {
        driver.close();
    }

    @Test
    void oneMoreThanAllowedWaitsForAsLongAsItMayTake() {
        List<KloigosException> refusals = new ArrayList<>();
        HostDriver oneAtATime = new ThrottledHostDriver(driver, 1);
        try (HostSession session = oneAtATime.open(host());
                HostSession other = oneAtATime.open(host())) {
            session.apply(plan("first", Duration.ofMinutes(1)), new PlanListener() {
                @Override
                public void begun(int index) {
                    assertThatThrownBy(() -> other.apply(plan("second", Duration.ofMillis(1)), PlanListener.none()))
                            .isInstanceOfSatisfying(KloigosException.class, refusals::add);
                }

                @Override
                public void ended(StepReport report) {}
            });
            assertThat(refusals).extracting(KloigosException::code).containsExactly(ErrorCode.HOST_BUSY);

            assertThat(other.apply(plan("second", Duration.ofMinutes(1)), PlanListener.none())
                            .failure())
                    .isEmpty();
        }
    }

    private static HostPlan plan(String id, Duration timeLimit) {
        return new HostPlan(id, HostPlan.Scope.unit("u-" + id), timeLimit, List.of(Step.Command.of("true")));
    }
}
