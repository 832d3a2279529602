package io.kloigos.http;

import io.javalin.http.Context;
import java.net.URI;
import java.util.Locale;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * Keeps other sites' pages in a browser from using this server.
 *
 * @param publicUrl where browsers find the server; null if where it listens
 * @param host where it listens
 * @see <a href="https://fetch.spec.whatwg.org/#origin-header">Fetch, the Origin header</a>
 * @see <a href="https://www.w3.org/TR/fetch-metadata/">Fetch Metadata Request Headers</a>
 */
record SameOrigin(@Nullable URI publicUrl, String host) {
    private static final int HTTPS = 443;
    private static final Set<String> OWN_SITE = Set.of("same-origin", "none");

    /** Tells whether a page of another origin sent the request. Programs that are no browsers say nothing of origins. */
    boolean isForeign(Context context) {
        String origin = context.header("Origin");
        if (origin != null) {
            return !isOwn(origin, context);
        }
        String site = context.header("Sec-Fetch-Site");
        return site != null && !OWN_SITE.contains(site) && !isNavigation(context);
    }

    /** Following a link shows a page and tells the other site nothing. */
    private static boolean isNavigation(Context context) {
        return "navigate".equals(context.header("Sec-Fetch-Mode")) && !Gate.isWrite(context);
    }

    /** Tells whether a browser says that the request comes from a page of this server. */
    boolean isProven(Context context) {
        String origin = context.header("Origin");
        return origin != null ? isOwn(origin, context) : "same-origin".equals(context.header("Sec-Fetch-Site"));
    }

    private boolean isOwn(String origin, Context context) {
        if (publicUrl != null && origin.equalsIgnoreCase(publicUrl.toString())) {
            return true;
        }
        String asked = authority(context);
        return origin.equalsIgnoreCase("https://" + asked)
                // A proxy may have taken the s away.
                || (!context.req().isSecure() && origin.equalsIgnoreCase("http://" + asked));
    }

    /** HTTP/2 has a field of its own for it. */
    private static String authority(Context context) {
        String host = context.header("Host");
        if (host != null) {
            return host;
        }
        int port = context.req().getServerPort();
        String name = context.req().getServerName();
        return port == HTTPS ? name : name + ":" + port;
    }

    /**
     * Tells whether the server was asked by a name that only this machine has. Any other name may be one whose owner let it lead
     * here, to make a browser believe that this server is theirs.
     */
    boolean isAskedAsLoopback(Context context) {
        String name = context.req().getServerName().toLowerCase(Locale.ROOT);
        return name.equals("localhost")
                || name.equals(host.toLowerCase(Locale.ROOT))
                || name.matches("127(\\.\\d{1,3}){3}")
                || name.equals("[::1]")
                || name.equals("::1")
                || (publicUrl != null && name.equalsIgnoreCase(publicUrl.getHost()));
    }
}
