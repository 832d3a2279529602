package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.NotFoundResponse;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The console: one page for every address of its own, and the style sheets and ES modules that it is made of. Thread-safe.
 *
 * <p>Modules stand beside this class; lit-html comes from its WebJar, and modules name it without its version.
 */
final class Console {
    private static final List<String> PAGES = List.of(
            "/",
            "/units/{id}",
            "/servers/{hostname}",
            "/allocate",
            "/init",
            "/operations",
            "/operations/{id}",
            "/audit",
            "/tokens");

    private static final Pattern PART = Pattern.compile("(?:[a-z-]+/)?[a-z-]+\\.(?:js|css|svg|html)");
    private static final String LIBRARY = "lib/";

    private final WebFiles files = new WebFiles();
    private final String library = WebFiles.webJar("org.webjars.npm", "lit-html");

    void addTo(RoutesConfig routes) {
        PAGES.forEach(page -> Api.get(routes, page, context -> send(context, "index.html")));
        Api.get(routes, "/console/<part>", context -> send(context, context.pathParam("part")));
        Api.get(routes, "/icon.svg", context -> send(context, "icon.svg"));
    }

    private void send(Context context, String name) {
        boolean isOfLibrary = name.startsWith(LIBRARY);
        Matcher matcher = PART.matcher(isOfLibrary ? name.substring(LIBRARY.length()) : name);
        if (!matcher.matches()) {
            throw new NotFoundResponse();
        }
        files.send(context, isOfLibrary ? library + name.substring(LIBRARY.length()) : "console/" + name);
    }
}
