package io.kloigos.command;

import io.kloigos.model.KloigosException;
import java.net.InetAddress;
import java.net.UnknownHostException;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Where to listen.
 *
 * @param host a host name or address; an IPv6 address without brackets
 * @param port the port; 0 for any free one
 */
record ListenAddress(String host, int port) {
    private static final Pattern FORMAT = Pattern.compile("(?:\\[([0-9A-Fa-f:.%a-z]+)]|([A-Za-z0-9.-]+)):(\\d{1,5})");

    static ListenAddress standard() {
        return new ListenAddress("127.0.0.1", 8080);
    }

    /**
     * Returns the address that {@code text} names: {@code 127.0.0.1:8080}, {@code localhost:0}, {@code [::1]:8080}.
     *
     * @throws KloigosException INVALID_REQUEST if the text is anything else
     */
    static ListenAddress parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        if (!matcher.matches() || Integer.parseInt(matcher.group(3)) > 65535) {
            throw KloigosException.invalid(
                    "listen",
                    "\"" + text
                            + "\" is not HOST:PORT, such as \"127.0.0.1:8080\" or \"[::1]:8080\"; port 0 is any free"
                            + " port");
        }
        String host = matcher.group(1) == null ? matcher.group(2) : matcher.group(1);
        return new ListenAddress(host, Integer.parseInt(matcher.group(3)));
    }

    /** Tells whether only this machine can connect. */
    boolean isLoopback() {
        try {
            return InetAddress.getByName(host).isLoopbackAddress();
        } catch (UnknownHostException e) {
            return false;
        }
    }

    /** Returns the URL of a server here that was given {@code actualPort}. */
    String url(String scheme, int actualPort) {
        return scheme + "://" + (host.contains(":") ? "[" + host + "]" : host) + ":" + actualPort;
    }
}
