package io.kloigos.http.bench;

import io.kloigos.Kloigos;
import io.kloigos.http.HttpServer;
import io.kloigos.http.HttpSettings;
import java.time.Duration;

/** Serves a database whose hosts take no time, as a process of its own: {@code JDBC_URL PORT MILLIS_OF_SLOW_HOSTS}. */
final class BenchServer {
    private BenchServer() {}

    public static void main(String[] arguments) throws InterruptedException {
        Kloigos kloigos = new BenchDatabase(arguments[0])
                .keptBy(Kloigos.builder())
                .driver(new InstantDriver(Duration.ofMillis(Long.parseLong(arguments[2]))))
                .neverCheckDrift()
                .build();
        HttpServer.start(kloigos, new HttpSettings("127.0.0.1", Integer.parseInt(arguments[1]), "root", 22));
        Thread.currentThread().join();
    }
}
