package io.kloigos.model;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.List;
import java.util.StringJoiner;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A set of CPU (or NUMA node) numbers in Linux list format.
 *
 * <p>Parsing takes the whole grammar of the kernel's {@code bitmap_parselist} and of {@code taskset -c}: numbers, ranges
 * {@code 0-15}, strides {@code 0-15:2} (every second), groups {@code 0-15:2/4} (the first two of every four), separated
 * by commas or white space. {@code all} and {@code N} (the last CPU) need to know the host: {@link #parse(String, int)}.
 * Terms that are empty or select nothing, which the kernel takes, are refused: they are slips.
 * Printing is what the kernel prints: ascending, neighbours joined, e.g. {@code 0-3,64-67}.
 *
 * @param spans the numbers as ascending, disjoint, non-adjacent closed intervals
 * @see <a href="https://docs.kernel.org/admin-guide/kernel-parameters.html">kernel-parameters, "cpu-list"</a>
 */
public record CpuSet(List<Span> spans) implements Comparable<CpuSet> {
    /** The largest CPU number accepted: Linux is built for at most 8192 CPUs. */
    public static final int MAX_CPU = 8191;

    private static final int MAX_TEXT = 4096;
    private static final CpuSet EMPTY = new CpuSet(List.of());
    private static final Pattern TERM = Pattern.compile(
            "(?<first>\\d{1,5}|N)(?:-(?<last>\\d{1,5}|N)(?::(?<used>\\d{1,5})(?:/(?<group>\\d{1,5}))?)?)?");

    /**
     * A closed interval of CPU numbers.
     *
     * @param first the smallest number, 0 to {@link #MAX_CPU}
     * @param last the largest number, at least {@code first}
     */
    public record Span(int first, int last) {
        public Span {
            if (first < 0 || last < first || last > MAX_CPU) {
                throw KloigosException.invalid(
                        "cpu_set", "CPU interval " + first + "-" + last + " is not within 0-" + MAX_CPU);
            }
        }

        int count() {
            return last - first + 1;
        }

        @Override
        public String toString() {
            return first == last ? Integer.toString(first) : first + "-" + last;
        }
    }

    public CpuSet {
        spans = List.copyOf(spans);
        for (int i = 1; i < spans.size(); i++) {
            if (spans.get(i).first() <= spans.get(i - 1).last() + 1) {
                throw KloigosException.invalid("cpu_set", "CPU intervals " + spans + " are not ascending and disjoint");
            }
        }
    }

    /** Returns the set without members; it prints as the empty string. */
    public static CpuSet empty() {
        return EMPTY;
    }

    /** Returns the set of the given numbers, in any order. */
    public static CpuSet of(int... cpus) {
        BitSet bits = new BitSet();
        for (int cpu : cpus) {
            new Span(cpu, cpu);
            bits.set(cpu);
        }
        return of(bits);
    }

    /** Returns the set {@code first} to {@code last}, both included. */
    public static CpuSet range(int first, int last) {
        return new CpuSet(List.of(new Span(first, last)));
    }

    /**
     * Returns the set that {@code text} names. An empty or blank text is the empty set.
     *
     * @throws KloigosException INVALID_REQUEST if the text is not in Linux list format
     */
    public static CpuSet parse(String text) {
        return parse(text, -1);
    }

    /**
     * Returns the set that {@code text} names on a host whose last CPU is {@code lastCpu}; {@code all} and {@code N} are
     * understood.
     *
     * @throws KloigosException INVALID_REQUEST if the text is not in Linux list format
     */
    public static CpuSet parse(String text, int lastCpu) {
        if (text.length() > MAX_TEXT) {
            throw KloigosException.invalid(
                    "cpu_set", "a CPU set has at most " + MAX_TEXT + " characters, this has " + text.length());
        }
        BitSet bits = new BitSet();
        String trimmed = text.strip();
        if (trimmed.isEmpty()) {
            return EMPTY;
        }
        for (String term : trimmed.split("\\s*[,\\s]\\s*", -1)) {
            addTerm(bits, term, text, lastCpu);
        }
        return of(bits);
    }

    private static void addTerm(BitSet bits, String term, String text, int lastCpu) {
        String spelled = term.startsWith("all") ? "0-N" + term.substring("all".length()) : term;
        Matcher matcher = TERM.matcher(spelled);
        if (!matcher.matches()) {
            throw malformed(text, term.isEmpty() ? "an empty term" : "\"" + shortened(term) + "\"");
        }
        int first = number(matcher.group("first"), text, lastCpu);
        int last = matcher.group("last") == null ? first : number(matcher.group("last"), text, lastCpu);
        if (last < first) {
            throw malformed(text, "\"" + term + "\", which runs backwards");
        }
        String groupText = matcher.group("group");
        String usedText = matcher.group("used");
        // taskset's "a-b:s" is every s-th CPU, the kernel's "a-b:used/group" the first "used" of every "group".
        int group = groupText != null ? Integer.parseInt(groupText) : usedText != null ? Integer.parseInt(usedText) : 1;
        int used = groupText != null && usedText != null ? Integer.parseInt(usedText) : 1;
        if (group < 1 || used < 1 || used > group) {
            throw malformed(text, "\"" + term + "\", whose stride selects nothing");
        }
        for (int start = first; start <= last; start += group) {
            bits.set(start, Math.min(start + used - 1, last) + 1);
        }
    }

    private static int number(String text, String whole, int lastCpu) {
        if (text.equals("N")) {
            if (lastCpu < 0) {
                throw malformed(whole, "\"N\" or \"all\", whose meaning depends on the host: write the numbers");
            }
            return lastCpu;
        }
        int value = Integer.parseInt(text);
        if (value > MAX_CPU) {
            throw malformed(whole, "CPU " + text + ", above the largest possible " + MAX_CPU);
        }
        return value;
    }

    private static KloigosException malformed(String text, String seen) {
        return KloigosException.invalid(
                "cpu_set",
                "\"" + shortened(text) + "\" is not a CPU set in Linux list format: it has " + seen
                        + "; examples: \"0-15\", \"0-7:2\", \"0-3,64-67\"");
    }

    private static String shortened(String text) {
        return text.length() <= 80 ? text : text.substring(0, 80) + "...";
    }

    private static CpuSet of(BitSet bits) {
        List<Span> spans = new ArrayList<>();
        for (int first = bits.nextSetBit(0); first >= 0; ) {
            int end = bits.nextClearBit(first);
            spans.add(new Span(first, end - 1));
            first = bits.nextSetBit(end);
        }
        return spans.isEmpty() ? EMPTY : new CpuSet(spans);
    }

    private BitSet bits() {
        BitSet bits = new BitSet();
        spans.forEach(span -> bits.set(span.first(), span.last() + 1));
        return bits;
    }

    /** Returns the number of members. */
    public int count() {
        int count = 0;
        for (Span span : spans) {
            count += span.count();
        }
        return count;
    }

    /** Tells whether the set has no members. */
    public boolean isEmpty() {
        return spans.isEmpty();
    }

    /** Returns the members in ascending order. */
    public IntStream stream() {
        return spans.stream().flatMapToInt(span -> IntStream.rangeClosed(span.first(), span.last()));
    }

    /** Tells whether every member of {@code other} is a member of this set. */
    public boolean containsAll(CpuSet other) {
        return other.minus(this).isEmpty();
    }

    /** Tells whether the two sets share a member. */
    public boolean intersects(CpuSet other) {
        return !intersect(other).isEmpty();
    }

    /** Returns the members of both sets. */
    public CpuSet intersect(CpuSet other) {
        BitSet bits = bits();
        bits.and(other.bits());
        return of(bits);
    }

    /** Returns the members of either set. */
    public CpuSet union(CpuSet other) {
        BitSet bits = bits();
        bits.or(other.bits());
        return of(bits);
    }

    /** Returns the members of this set that are not members of {@code other}. */
    public CpuSet minus(CpuSet other) {
        BitSet bits = bits();
        bits.andNot(other.bits());
        return of(bits);
    }

    /** Returns every member, separated by commas: {@code 0,1,2,3}. */
    public String toList() {
        StringJoiner list = new StringJoiner(",");
        for (Span span : spans) {
            for (int cpu = span.first(); cpu <= span.last(); cpu++) {
                list.add(Integer.toString(cpu));
            }
        }
        return list.toString();
    }

    /** Orders by the smallest members, the empty set first. */
    @Override
    public int compareTo(CpuSet other) {
        for (int i = 0; i < Math.min(spans.size(), other.spans.size()); i++) {
            int byFirst =
                    Integer.compare(spans.get(i).first(), other.spans.get(i).first());
            int byLast = Integer.compare(spans.get(i).last(), other.spans.get(i).last());
            if (byFirst != 0 || byLast != 0) {
                return byFirst != 0 ? byFirst : byLast;
            }
        }
        return Integer.compare(spans.size(), other.spans.size());
    }

    /** Returns the canonical Linux list format, as the kernel prints it. */
    @Override
    public String toString() {
        StringJoiner list = new StringJoiner(",");
        for (Span span : spans) {
            list.add(span.toString());
        }
        return list.toString();
    }
}
