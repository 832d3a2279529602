package io.kloigos.planner;

import io.kloigos.model.ComputeUnit;
import io.kloigos.model.PortRange;
import io.kloigos.model.Server;
import io.kloigos.spi.Reading;
import io.kloigos.spi.Step;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Who holds ports of the host, as {@code ss} prints it: TCP sockets that listen, wait for the answer to a connection or are only
 * bound, and UDP sockets. TCP connections hold none that matters, since nobody gets one through with a foreign port of a unit.
 *
 * @param tcp what listens or waits for an answer
 * @param bound what is only bound; {@code ss} before 6.8 and kernels before 6.8 do not tell
 * @param udp all of them
 * @param chosen from where the kernel gives ports to those who name none
 * @see <a href="https://man7.org/linux/man-pages/man8/ss.8.html">ss(8)</a>
 */
record HeldPorts(String tcp, String bound, String udp, String chosen) {
    private static final Reading TCP =
            new Reading.Output(List.of("ss", "-Htne", "--cgroup", "state", "listening", "state", "syn-sent"));
    private static final Reading BOUND = new Reading.Output(List.of("ss", "-HBtne", "--cgroup"));
    private static final Reading UDP = new Reading.Output(List.of("ss", "-Haune", "--cgroup"));
    private static final Reading CHOSEN = new Reading.FileText("/proc/sys/net/ipv4/ip_local_port_range");

    static final List<Reading> READINGS = List.of(TCP, BOUND, UDP, CHOSEN);

    /** What listens, for those who want to know no more. */
    static final Reading LISTENING = new Reading.Output(List.of("ss", "-Hltune", "--cgroup"));

    private static final String FAILED = "failed";

    /** Tenants name cgroups, with spaces if they like; so what is believed stands before. */
    private static final String CGROUP = " cgroup:";

    private static final Pattern LOCAL = Pattern.compile("\\S*:(\\d{1,5})");
    private static final Pattern UID = Pattern.compile(" uid:(\\d+)(?: |$)");
    private static final Pattern CHOSEN_RANGE = Pattern.compile("(\\d{1,5})\\s+(\\d{1,5})");

    /** One that could be taken for more than a name is not put into a filter. */
    private static final Pattern PLAIN_CGROUP = Pattern.compile("(?!.*\\.\\.)[A-Za-z0-9@:._/\\\\-]+");

    /**
     * Ends the processes of a unit that hold ports: those that have a descriptor of such a socket, all frozen so that none can hand
     * it on. If somebody still holds it, by a message on its way or a ring of io_uring, all processes of the unit.
     *
     * <p>Its arguments are the cgroup of the unit's slice, the user id, and a letter and a port for each: {@code t2205 u2210}.
     * What is read here no tenant can name: numbers of sockets, and of processes in the slice.
     */
    private static final String END_HOLDERS = """
            slice=$0 uid=$1
            sockets() {
                for port; do
                    kind=${port%"${port#?}"} filter="sport = :${port#?}"
                    ss -Hane"$kind" "$filter"
                    if [ "$kind" = t ]; then ss -HBnet "$filter" 2>/dev/null || :; fi
                done | sed -n "s/.* uid:$uid ino:\\([1-9][0-9]*\\) .*/socket:[\\1]/p"
            }
            holders() {
                find "$slice" -name cgroup.procs -exec cat {} + 2>/dev/null | sort -un | while read -r pid; do
                    if find "/proc/$pid/fd" -lname 'socket:*' -printf '%l\\n' 2>/dev/null | grep -qxF "$1"; then echo "$pid"; fi
                done
            }
            shift
            found=$(sockets "$@")
            [ -n "$found" ] || exit 0
            echo 1 >"$slice/cgroup.freeze"
            trap 'echo 0 >"$slice/cgroup.freeze"' EXIT
            for _ in 1 2 3 4 5 6 7 8 9 10; do
                if grep -q '^frozen 1' "$slice/cgroup.events"; then break; fi
                sleep 0.1
            done
            for pid in $(holders "$found"); do kill -KILL "$pid" || :; done
            for _ in 1 2 3 4 5 6 7 8 9 10; do
                [ -n "$(sockets "$@")" ] || exit 0
                sleep 0.2
            done
            echo 1 >"$slice/cgroup.kill"
            """;

    static HeldPorts in(DriftAnswers answers) {
        return new HeldPorts(answers.text(TCP), answers.text(BOUND), answers.text(UDP), answers.text(CHOSEN));
    }

    /** A socket, printed as {@code tcp 2205 /user.slice/user-20000.slice/session-3.scope}. */
    record Socket(String protocol, int port, String cgroup) {
        private static final Pattern TEXT = Pattern.compile("(tcp|udp) (\\d{1,5}) (.*)");

        /** Returns the socket that a text names; tenants name cgroups, so a text may be none. */
        static Optional<Socket> parse(String text) {
            Matcher matcher = TEXT.matcher(text);
            return matcher.matches()
                    ? Optional.of(new Socket(matcher.group(1), Integer.parseInt(matcher.group(2)), matcher.group(3)))
                    : Optional.empty();
        }

        @Override
        public String toString() {
            return protocol + " " + port + " " + cgroup;
        }

        private boolean isTcp() {
            return protocol.equals("tcp");
        }

        /** Returns the command that closes it, and no other, if one can name it and hits nobody but the unit. */
        private Optional<Step> closing(ComputeUnit unit) {
            boolean canBeNamed = isTcp()
                    && cgroup.startsWith("/user.slice/" + unit.slice() + "/")
                    && PLAIN_CGROUP.matcher(cgroup).matches();
            return canBeNamed
                    ? Optional.of(
                            Step.Command.of("ss", "-K", "-Hn", "-lt", "sport = :" + port + " and cgroup = " + cgroup))
                    : Optional.empty();
        }

        private String argument() {
            return protocol.charAt(0) + Integer.toString(port);
        }
    }

    /**
     * Returns the sockets of the unit's user that keep ports from others, {@code none}, or {@code unknown: } and the reason. A
     * port that the kernel may have chosen is nobody's, unless somebody listens there where the host listened before.
     */
    String foreignTo(ComputeUnit unit, Server server, List<ComputeUnit> units) {
        Matcher range = CHOSEN_RANGE.matcher(chosen);
        if (tcp.equals(FAILED) || udp.equals(FAILED)) {
            return "unknown: ss failed";
        }
        if (!range.matches()) {
            return "unknown: ip_local_port_range is " + chosen;
        }
        PortSet free = PortSet.parse(range.group(1) + "-" + range.group(2));
        free.without(HostPorts.reservedPorts(server, units));
        PortRange own = unit.ports();
        String found = Stream.of(sockets("tcp", tcp, unit), sockets("tcp", bound, unit), sockets("udp", udp, unit))
                .flatMap(sockets -> sockets)
                .filter(socket -> !own.contains(socket.port()))
                .filter(socket -> !free.contains(socket.port())
                        || (socket.isTcp() && server.facts().listeningPorts().contains(socket.port())))
                .map(Socket::toString)
                .distinct()
                .sorted()
                .collect(Collectors.joining(", "));
        return found.isEmpty() ? "none" : found;
    }

    /** Returns the sockets of the unit's user in what {@link #LISTENING} reads. */
    static Stream<Socket> listening(String text, ComputeUnit unit) {
        return Stream.of("tcp", "udp")
                .flatMap(protocol -> text.lines()
                        .filter(line -> line.startsWith(protocol + " "))
                        .flatMap(line -> socket(protocol, line, unit).stream()));
    }

    private static Stream<Socket> sockets(String protocol, String text, ComputeUnit unit) {
        return text.lines().flatMap(line -> socket(protocol, line, unit).stream());
    }

    private static Optional<Socket> socket(String protocol, String line, ComputeUnit unit) {
        int end = line.indexOf(CGROUP);
        String told = end < 0 ? line : line.substring(0, end);
        Matcher uid = UID.matcher(told);
        @Nullable
        Integer port = Arrays.stream(told.split("\\s+", -1))
                .map(LOCAL::matcher)
                .filter(Matcher::matches)
                .map(local -> Integer.valueOf(local.group(1)))
                .findFirst()
                .orElse(null);
        if (port == null || !uid.find() || !uid.group(1).equals(Integer.toString(unit.uid()))) {
            return Optional.empty();
        }
        // Where it was made may be gone, or be another than where its program is now.
        String cgroup = end < 0 ? "-" : line.substring(end + CGROUP.length()).split("\\s", 2)[0];
        return Optional.of(new Socket(protocol, port, cgroup));
    }

    /**
     * Returns what makes the unit give back ports. TCP sockets that can be named are closed by the kernel, and their programs
     * go on; whoever holds the others, or any again, is ended.
     *
     * @param found what {@link #foreignTo} returned
     */
    static List<Step> freed(ComputeUnit unit, String found) {
        List<Socket> sockets = Arrays.stream(found.split(", ", -1))
                .flatMap(text -> Socket.parse(text).stream())
                .filter(socket -> !unit.ports().contains(socket.port()))
                .toList();
        List<Step> steps = new ArrayList<>();
        if (sockets.isEmpty()) {
            return steps;
        }
        sockets.forEach(socket -> socket.closing(unit).ifPresent(steps::add));
        List<String> argv =
                new ArrayList<>(List.of("sh", "-c", END_HOLDERS, unit.cgroup(), Integer.toString(unit.uid())));
        sockets.stream().map(Socket::argument).distinct().forEach(argv::add);
        steps.add(new Step.Command(argv, ""));
        return steps;
    }
}
