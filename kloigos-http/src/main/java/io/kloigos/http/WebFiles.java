package io.kloigos.http;

import io.javalin.http.Context;
import io.javalin.http.HttpStatus;
import io.javalin.http.NotFoundResponse;
import io.kloigos.model.Sha256;
import java.io.IOException;
import java.io.InputStream;
import java.io.StringReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.Map;
import java.util.Objects;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;

/** Files for browsers that are part of the program. Thread-safe. */
final class WebFiles {
    private static final Map<String, String> TYPES = Map.of(
            "js", "text/javascript;charset=utf-8",
            "css", "text/css;charset=utf-8",
            "svg", "image/svg+xml",
            "html", "text/html;charset=utf-8");

    private final Map<String, WebFile> files = new ConcurrentHashMap<>();

    /** A file, and a name for its content by which browsers know that they have it. */
    private static final class WebFile {
        private final String contentType;
        private final byte[] content;
        private final String tag;

        WebFile(String contentType, byte[] content) {
            this.contentType = contentType;
            this.content = content;
            this.tag = "\"" + Sha256.of(content).hex().substring(0, 24) + "\"";
        }
    }

    /** Answers with a file by its path from this package, or from the root with a slash before it; with 404 if there is none. */
    void send(Context context, String path) {
        WebFile file = files.computeIfAbsent(path, WebFiles::load);
        // Browsers keep it, but ask each time whether it is still so: the next release has the same names.
        context.header("Cache-Control", "no-cache").header("ETag", file.tag).contentType(file.contentType);
        if (file.tag.equals(context.header("If-None-Match"))) {
            context.status(HttpStatus.NOT_MODIFIED);
        } else {
            context.result(file.content);
        }
    }

    private static WebFile load(String path) {
        if (WebFiles.class.getResource(path) == null) {
            throw new NotFoundResponse();
        }
        String type = Objects.requireNonNull(TYPES.get(path.substring(path.lastIndexOf('.') + 1)));
        return new WebFile(type, resource(path));
    }

    /** Returns the path of the directory that holds a WebJar's files, with a slash at its end. */
    static String webJar(String group, String name) {
        Properties properties = new Properties();
        String path = "/META-INF/maven/" + group + "/" + name + "/pom.properties";
        try {
            properties.load(new StringReader(new String(resource(path), StandardCharsets.ISO_8859_1)));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
        return "/META-INF/resources/webjars/" + name + "/" + properties.getProperty("version") + "/";
    }

    /** Returns a file that is part of the program, by its path from this package, or from the root with a slash before it. */
    static byte[] resource(String name) {
        try (InputStream in = WebFiles.class.getResourceAsStream(name)) {
            if (in == null) {
                throw new IllegalStateException("The resource " + name + " is not in the program");
            }
            return in.readAllBytes();
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
