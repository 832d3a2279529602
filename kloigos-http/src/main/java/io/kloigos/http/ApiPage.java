package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.NotFoundResponse;
import java.util.Map;

/**
 * The page that shows the API document, and sends what it describes: Swagger UI from its WebJar. Thread-safe.
 *
 * @see <a href="https://swagger.io/docs/open-source-tools/swagger-ui/usage/configuration/">Swagger UI, Configuration</a>
 */
final class ApiPage {
    private final WebFiles files = new WebFiles();
    private final Map<String, String> parts;

    ApiPage() {
        String library = WebFiles.webJar("org.webjars", "swagger-ui");
        parts = Map.of(
                "page.js",
                "docs/page.js",
                "page.css",
                "docs/page.css",
                "swagger-ui.css",
                library + "swagger-ui.css",
                "swagger-ui-bundle.js",
                library + "swagger-ui-bundle.js");
    }

    void addTo(RoutesConfig routes) {
        Api.get(routes, "/docs", context -> files.send(context, "docs/index.html"));
        Api.get(routes, "/docs/{part}", context -> {
            String path = parts.get(context.pathParam("part"));
            if (path == null) {
                throw new NotFoundResponse();
            }
            files.send(context, path);
        });
    }
}
