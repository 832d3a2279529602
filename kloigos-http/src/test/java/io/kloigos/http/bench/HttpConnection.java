package io.kloigos.http.bench;

import java.io.BufferedInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.util.Locale;

/**
 * One connection that stays open, used by one thread. It does as little as possible, since it shares the machine with what it
 * measures.
 */
final class HttpConnection implements AutoCloseable {
    private final Socket socket;
    private final InputStream in;

    HttpConnection(int port) throws IOException {
        socket = new Socket(InetAddress.getLoopbackAddress(), port);
        socket.setTcpNoDelay(true);
        in = new BufferedInputStream(socket.getInputStream(), 1 << 16);
    }

    static byte[] get(String path, String... headers) {
        return request("GET", path, "", headers);
    }

    static byte[] post(String path, String json) {
        return request("POST", path, json, "Content-Type: application/json");
    }

    private static byte[] request(String method, String path, String body, String... headers) {
        StringBuilder text = new StringBuilder(method + " " + path + " HTTP/1.1\r\nHost: localhost\r\n");
        for (String header : headers) {
            text.append(header).append("\r\n");
        }
        return text.append("Content-Length: ")
                .append(body.length())
                .append("\r\n\r\n")
                .append(body)
                .toString()
                .getBytes(StandardCharsets.US_ASCII);
    }

    /** An answer; of a body in chunks only the length is kept. */
    record Answer(int status, String headers, String body, long length, long nanosToFirstByte) {
        /** Returns the text of a field of the JSON object that the body is. */
        String field(String name) {
            int start = body.indexOf('"', body.indexOf("\"" + name + "\":") + name.length() + 3) + 1;
            return body.substring(start, body.indexOf('"', start));
        }
    }

    Answer send(byte[] request) throws IOException {
        long begin = System.nanoTime();
        socket.getOutputStream().write(request);
        String status = line();
        long first = System.nanoTime() - begin;
        StringBuilder headers = new StringBuilder();
        int length = -1;
        for (String line = line(); !line.isEmpty(); line = line()) {
            headers.append(line).append('\n');
            if (line.toLowerCase(Locale.ROOT).startsWith("content-length:")) {
                length = Integer.parseInt(line.substring(15).strip());
            }
        }
        int code = Integer.parseInt(status.substring(9, 12));
        if (length >= 0 || code == 304) {
            byte[] body = in.readNBytes(Math.max(0, length));
            return new Answer(code, headers.toString(), new String(body, StandardCharsets.UTF_8), body.length, first);
        }
        return new Answer(code, headers.toString(), "", skipChunks(), first);
    }

    private long skipChunks() throws IOException {
        long total = 0;
        byte[] buffer = new byte[1 << 16];
        for (int size = Integer.parseInt(line(), 16); size > 0; size = Integer.parseInt(line(), 16)) {
            for (int left = size; left > 0; ) {
                int count = in.read(buffer, 0, Math.min(left, buffer.length));
                if (count < 0) {
                    throw new IOException("the answer ended too early");
                }
                left -= count;
            }
            total += size;
            line();
        }
        line();
        return total;
    }

    private String line() throws IOException {
        StringBuilder text = new StringBuilder();
        for (int b = in.read(); b != '\n'; b = in.read()) {
            if (b < 0) {
                throw new IOException("the connection was closed");
            }
            if (b != '\r') {
                text.append((char) b);
            }
        }
        return text.toString();
    }

    @Override
    public void close() throws IOException {
        socket.close();
    }
}
