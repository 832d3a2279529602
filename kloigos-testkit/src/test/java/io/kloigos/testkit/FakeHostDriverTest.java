package io.kloigos.testkit;

import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;

/** The fake host passes what every driver must pass. */
class FakeHostDriverTest implements HostDriverContract {
    private final FakeHost host = FakeHost.builder("host1", "10.0.0.1")
            .cpus(16)
            .nodes(2)
            .file("/scratch/.keep", "")
            .build();
    private final HostDriver driver = FakeFleet.of(host).driver();

    @Override
    public HostDriver driver() {
        return driver;
    }

    @Override
    public HostDriver anotherDriver() {
        return FakeFleet.of(host).driver();
    }

    @Override
    public HostAddress host() {
        return host.address();
    }

    @Override
    public String scratchDirectory() {
        return "/scratch";
    }
}
