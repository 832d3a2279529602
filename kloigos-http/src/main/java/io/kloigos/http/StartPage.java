package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;

/** The page at {@code /} and its parts. */
final class StartPage {
    private StartPage() {}

    static void addTo(RoutesConfig routes) {
        add(routes, "/", "start.html", "text/html;charset=utf-8");
        add(routes, "/start.css", "start.css", "text/css;charset=utf-8");
        add(routes, "/start.js", "start.js", "text/javascript;charset=utf-8");
        add(routes, "/icon.svg", "icon.svg", "image/svg+xml");
    }

    private static void add(RoutesConfig routes, String path, String name, String contentType) {
        byte[] content = resource(name);
        routes.get(path, context -> context.contentType(contentType).result(content));
        routes.head(path, context -> context.contentType(contentType).result(content));
    }

    /** Returns a file that is part of this package. */
    static byte[] resource(String name) {
        try (InputStream in = StartPage.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("The resource " + name + " is not in the program");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
