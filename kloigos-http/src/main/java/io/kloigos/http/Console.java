package io.kloigos.http;

import io.javalin.config.RoutesConfig;
import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.javalin.http.NotFoundResponse;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
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
            "/audit");

    private static final Pattern PART = Pattern.compile("(?:[a-z-]+/)?[a-z-]+\\.(?<type>js|css|svg|html)");
    private static final Map<String, String> TYPES = Map.of(
            "js", "text/javascript;charset=utf-8",
            "css", "text/css;charset=utf-8",
            "svg", "image/svg+xml",
            "html", "text/html;charset=utf-8");
    private static final String LIBRARY = "lib/";
    private static final String LIT = "lit-html";

    private final Map<String, Part> parts = new ConcurrentHashMap<>();
    private final String library = "/META-INF/resources/webjars/" + LIT + "/" + version(LIT) + "/";

    /** A file, and a name for its content by which browsers know that they have it. */
    private static final class Part {
        final String contentType;
        final byte[] content;
        final String tag;

        Part(String contentType, byte[] content) {
            this.contentType = contentType;
            this.content = content;
            try {
                byte[] digest = MessageDigest.getInstance("SHA-256").digest(content);
                this.tag = "\"" + HexFormat.of().formatHex(digest, 0, 12) + "\"";
            } catch (NoSuchAlgorithmException e) {
                throw new IllegalStateException("Every Java has SHA-256", e);
            }
        }
    }

    private static String version(String webJar) {
        Properties properties = new Properties();
        String path = "/META-INF/maven/org.webjars.npm/" + webJar + "/pom.properties";
        try {
            properties.load(new StringReader(new String(resource(path), StandardCharsets.ISO_8859_1)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return properties.getProperty("version");
    }

    void addTo(RoutesConfig routes) {
        PAGES.forEach(page -> Api.get(routes, page, context -> send(context, "index.html")));
        Api.get(routes, "/console/<part>", context -> send(context, context.pathParam("part")));
        Api.get(routes, "/icon.svg", context -> send(context, "icon.svg"));
    }

    private void send(Context context, String name) {
        Part part = parts.computeIfAbsent(name, this::load);
        // Browsers keep it, but ask each time whether it is still so: the next release has the same names.
        context.header("Cache-Control", "no-cache").header("ETag", part.tag).contentType(part.contentType);
        if (part.tag.equals(context.header("If-None-Match"))) {
            context.status(HttpStatus.NOT_MODIFIED);
        } else {
            context.result(part.content);
        }
    }

    private Part load(String name) {
        boolean isOfLibrary = name.startsWith(LIBRARY);
        Matcher matcher = PART.matcher(isOfLibrary ? name.substring(LIBRARY.length()) : name);
        String path = isOfLibrary ? library + name.substring(LIBRARY.length()) : "console/" + name;
        if (!matcher.matches() || Console.class.getResource(path) == null) {
            throw new NotFoundResponse();
        }
        return new Part(String.valueOf(TYPES.get(matcher.group("type"))), resource(path));
    }

    /** Returns a file that is part of the program, by its path from this package, or from the root with a slash before it. */
    static byte[] resource(String name) {
        try (InputStream in = Console.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("The resource " + name + " is not in the program");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
