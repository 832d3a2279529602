package io.kloigos.http.bench;

import io.javalin.Javalin;

/** The smallest server of the HTTP library that Kloigos uses: {@code PORT}. */
final class HelloServer {
    private HelloServer() {}

    public static void main(String[] arguments) throws InterruptedException {
        Javalin.create(config -> {
                    config.startup.showJavalinBanner = false;
                    config.routes.get("/api/healthz", context -> context.result("ok"));
                })
                .start("127.0.0.1", Integer.parseInt(arguments[0]));
        Thread.currentThread().join();
    }
}
