package io.kloigos.testkit;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/** The listening sockets of one fake host, and {@code ss} as far as plans use it. Guarded by the host. */
final class FakeSockets {
    private static final Pattern FILTER = Pattern.compile("sport = :(\\d+) and cgroup = (\\S+)");

    private record Socket(String protocol, int port, int uid, String cgroup) {
        String line() {
            return protocol + " " + (protocol.equals("tcp") ? "LISTEN" : "UNCONN") + " 0 128 0.0.0.0:" + port
                    + " 0.0.0.0:* " + (uid == 0 ? "" : "uid:" + uid + " ") + "ino:1 sk:1 cgroup:" + cgroup + " <->\n";
        }
    }

    private final List<Socket> sockets = new ArrayList<>();

    void listen(String protocol, int port, int uid, String cgroup) {
        sockets.add(new Socket(protocol, port, uid, cgroup));
    }

    /** Ends who holds a port as a user, and so closes the port; it is named by the letter of its protocol and its number. */
    void endHolders(int uid, String port) {
        sockets.removeIf(
                socket -> socket.uid() == uid && port.equals(socket.protocol().charAt(0) + "" + socket.port()));
    }

    void closeAll() {
        sockets.clear();
    }

    /** Prints, or with {@code -K} closes, the sockets that pass the filter, if there is one. */
    String run(List<String> words) {
        List<Socket> found = select(words);
        if (words.contains("-K")) {
            // As the kernel: what is not connected it closes only for TCP.
            sockets.removeIf(
                    socket -> found.contains(socket) && socket.protocol().equals("tcp"));
        }
        return found.stream().map(Socket::line).collect(Collectors.joining());
    }

    private List<Socket> select(List<String> words) {
        if (words.equals(List.of("-Hltune", "--cgroup"))) {
            return List.copyOf(sockets);
        }
        if (words.equals(List.of("-Htne", "--cgroup", "state", "listening", "state", "syn-sent"))) {
            return of("tcp");
        }
        if (words.equals(List.of("-Haune", "--cgroup"))) {
            return of("udp");
        }
        if (words.equals(List.of("-HBtne", "--cgroup"))) {
            return List.of();
        }
        Matcher filter = FILTER.matcher(words.get(words.size() - 1));
        if (!filter.matches()) {
            throw Refused.unknown("ss: the fake host does not know: " + words);
        }
        return of(words.contains("-lt") ? "tcp" : "udp").stream()
                .filter(socket -> socket.port() == Integer.parseInt(filter.group(1))
                        && socket.cgroup().equals(filter.group(2)))
                .toList();
    }

    private List<Socket> of(String protocol) {
        return sockets.stream()
                .filter(socket -> socket.protocol().equals(protocol))
                .toList();
    }
}
