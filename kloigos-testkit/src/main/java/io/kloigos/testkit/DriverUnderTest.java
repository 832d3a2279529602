package io.kloigos.testkit;

import io.kloigos.model.HostAddress;
import io.kloigos.spi.HostDriver;
import java.util.concurrent.atomic.AtomicLong;

/** The driver that a contract is about, and where its tests may do something. */
interface DriverUnderTest {
    /** Hosts remember fences, so every plan has a higher one than those of earlier runs. */
    AtomicLong FENCE = new AtomicLong(System.currentTimeMillis() * 1000);

    /** Returns the driver under test; whoever returns it closes it. */
    HostDriver driver();

    /** Returns a driver of the same kind for the same host, which the tests close. */
    HostDriver anotherDriver();

    /** Returns the address of a host that the driver reaches, without a pinned key. */
    HostAddress host();

    /** Returns an empty directory on that host, in which only root may write. */
    String scratchDirectory();
}
