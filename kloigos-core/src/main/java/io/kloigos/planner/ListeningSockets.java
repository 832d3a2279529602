package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.spi.Reading;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who listens on the host, as {@code ss} prints it.
 *
 * @see <a href="https://man7.org/linux/man-pages/man8/ss.8.html">ss(8)</a>
 */
final class ListeningSockets {
    static final Reading READING = new Reading.Output(List.of("ss", "-Hltune", "--cgroup"));

    private static final int LOCAL_ADDRESS = 4;

    /** A tenant names cgroups of its own. One that could be taken for more than a name is not put into a filter. */
    private static final Pattern CGROUP = Pattern.compile("(?!.*\\.\\.)[A-Za-z0-9@:._/\\\\-]+");

    private ListeningSockets() {}

    /** A socket, printed as {@code tcp 2205 /user.slice/user-20000.slice/session-3.scope}. */
    record Socket(String protocol, int port, String cgroup) {
        static Socket parse(String text) {
            String[] words = text.split(" ", 3);
            return new Socket(words[0], Integer.parseInt(words[1]), words[2]);
        }

        @Override
        public String toString() {
            return protocol + " " + port + " " + cgroup;
        }

        /** Tells whether a command can name it alone, and hits nobody but the unit. */
        boolean isSelectableIn(ComputeUnit unit) {
            return cgroup.startsWith("/user.slice/" + unit.slice() + "/")
                    && CGROUP.matcher(cgroup).matches();
        }

        boolean isTcp() {
            return protocol.equals("tcp");
        }

        /**
         * Returns a file of its cgroup.
         *
         * @see <a href="https://docs.kernel.org/admin-guide/cgroup-v2.html">cgroup.kill, cgroup.events</a>
         */
        String cgroupFile(String name) {
            return "/sys/fs/cgroup" + cgroup + "/" + name;
        }

        /** Returns the command that closes it, and no other. */
        List<String> closing() {
            return List.of("ss", "-K", "-Hn", isTcp() ? "-lt" : "-lu", "sport = :" + port + " and cgroup = " + cgroup);
        }
    }

    /** Returns the sockets of the unit's user. */
    static Stream<Socket> of(String text, ComputeUnit unit) {
        return text.lines()
                .filter(line -> line.contains(" uid:" + unit.uid() + " "))
                .flatMap(line -> socket(line).stream());
    }

    /** Returns the sockets of the unit's user on ports that are not the unit's, or {@code none}. */
    static String foreign(String text, ComputeUnit unit) {
        String found = of(text, unit)
                .filter(socket -> !unit.ports().contains(socket.port()))
                .map(Socket::toString)
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
        return found.isEmpty() ? "none" : found;
    }

    private static Optional<Socket> socket(String line) {
        String[] words = line.split("\\s+", -1);
        if (words.length <= LOCAL_ADDRESS) {
            return Optional.empty();
        }
        String local = words[LOCAL_ADDRESS];
        String port = local.substring(local.lastIndexOf(':') + 1);
        @Nullable
        String cgroup = Arrays.stream(words)
                .filter(word -> word.startsWith("cgroup:"))
                .map(word -> word.substring("cgroup:".length()))
                .findFirst()
                .orElse(null);
        return cgroup == null || !port.matches("\\d{1,5}")
                ? Optional.empty()
                : Optional.of(new Socket(words[0], Integer.parseInt(port), cgroup));
    }
}
