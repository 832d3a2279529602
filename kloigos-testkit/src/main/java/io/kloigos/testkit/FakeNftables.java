package io.kloigos.testkit;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.function.Function;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The packet filter of one host: tables, their sets and chains. Interprets the part of nft's language that Kloigos uses; a
 * script takes effect as a whole or not at all.
 */
final class FakeNftables {
    private static final Pattern TOKEN = Pattern.compile("\"[^\"]*\"|[{};]|\\n|[^\\s{};\"]+");
    private static final Pattern ELEMENT = Pattern.compile("\\s*(?:(\\d+)\\s+\\.\\s+)?(\\d+)(?:-(\\d+))?\\s*");

    /** One element of a set: a key with an interval, or an interval. */
    record Element(int key, int first, int last) implements Comparable<Element> {
        private static final int NO_KEY = -1;

        static Element parse(String text) {
            Matcher matcher = ELEMENT.matcher(text);
            if (!matcher.matches()) {
                throw new Refused("Error: syntax error, unexpected string\n" + text);
            }
            int first = Integer.parseInt(matcher.group(2));
            int last = matcher.group(3) == null ? first : Integer.parseInt(matcher.group(3));
            if (last < first) {
                throw new Refused("Error: Range negative size\n" + text);
            }
            return new Element(matcher.group(1) == null ? NO_KEY : Integer.parseInt(matcher.group(1)), first, last);
        }

        boolean overlaps(Element other) {
            return key == other.key && first <= other.last && other.first <= last;
        }

        @Override
        public int compareTo(Element other) {
            return key != other.key ? Integer.compare(key, other.key) : Integer.compare(first, other.first);
        }

        @Override
        public String toString() {
            return (key == NO_KEY ? "" : key + " . ") + first + (last == first ? "" : "-" + last);
        }
    }

    /**
     * A named set.
     *
     * @param properties its lines but for the type and the elements, e.g. {@code flags interval}
     */
    private record NamedSet(String type, List<String> properties, TreeMap<Element, Element> elements) {
        NamedSet copy() {
            return new NamedSet(type, properties, new TreeMap<>(elements));
        }

        boolean intervals() {
            return properties.contains("flags interval");
        }

        void add(Element added) {
            if (added.first() != added.last() && !intervals()) {
                throw new Refused("Error: You must add 'flags interval' to your set declaration if you want to add"
                        + " interval elements");
            }
            for (Element near : near(added)) {
                if (!near.equals(added)) {
                    throw new Refused("Error: Could not process rule: interval overlaps with an existing one: " + added
                            + " with " + near);
                }
            }
            elements.put(added, added);
        }

        void delete(Element deleted) {
            if (!deleted.equals(elements.get(deleted))) {
                throw new Refused("Error: Could not process rule: No such file or directory: element " + deleted);
            }
            elements.remove(deleted);
        }

        private List<Element> near(Element element) {
            List<Element> near = new ArrayList<>();
            Element below = elements.floorKey(element);
            if (below != null && below.overlaps(element)) {
                near.add(below);
            }
            Element above = elements.higherKey(element);
            if (above != null && above.overlaps(element)) {
                near.add(above);
            }
            return near;
        }
    }

    /** A table, e.g. {@code inet kloigos}, with its flags, if any. */
    private record Table(List<String> flags, Map<String, NamedSet> sets, Map<String, String> chains) {
        Table() {
            this(new ArrayList<>(), new TreeMap<>(), new LinkedHashMap<>());
        }

        Table copy() {
            Table copy = new Table();
            copy.flags.addAll(flags);
            sets.forEach((name, set) -> copy.sets.put(name, set.copy()));
            copy.chains.putAll(chains);
            return copy;
        }
    }

    private Map<String, Table> tables = new TreeMap<>();

    /** Forgets everything, as a reboot or {@code nft flush ruleset} does. */
    void flush() {
        tables = new TreeMap<>();
    }

    /** Does what a script says, all of it or nothing. */
    void run(String script, Function<String, List<String>> included) {
        Map<String, Table> next = new TreeMap<>();
        tables.forEach((name, table) -> next.put(name, table.copy()));
        new Script(next, included).run(script);
        tables = next;
    }

    Optional<Element> get(String table, String set, Element element) {
        return Optional.ofNullable(set(table, set).elements().get(element)).filter(element::equals);
    }

    List<Element> elements(String table, String set) {
        Table found = tables.get(table);
        NamedSet named = found == null ? null : found.sets().get(set);
        return named == null ? List.of() : List.copyOf(named.elements().keySet());
    }

    private NamedSet set(String table, String set) {
        Table found = tables.get(table);
        NamedSet named = found == null ? null : found.sets().get(set);
        if (named == null) {
            throw new Refused("Error: No such file or directory: set " + set + " in table " + table);
        }
        return named;
    }

    String list(String table) {
        Table found = tables.get(table);
        if (found == null) {
            throw new Refused("Error: No such file or directory\nlist table " + table);
        }
        StringBuilder out = new StringBuilder("table " + table + " {\n");
        found.flags().forEach(flag -> out.append("\tflags ").append(flag).append('\n'));
        found.sets().keySet().forEach(set -> out.append(describe(table, set)));
        found.chains()
                .forEach((name, body) -> out.append("\tchain ")
                        .append(name)
                        .append(" {")
                        .append(body)
                        .append("\t}\n"));
        return out.append("}\n").toString();
    }

    String listSet(String table, String set) {
        return "table " + table + " {\n" + describe(table, set) + "}\n";
    }

    String listAll() {
        return String.join("", tables.keySet().stream().map(this::list).toList());
    }

    String listTables() {
        StringBuilder out = new StringBuilder();
        tables.keySet().forEach(table -> out.append("table ").append(table).append('\n'));
        return out.toString();
    }

    private String describe(String table, String name) {
        NamedSet set = set(table, name);
        StringBuilder out = new StringBuilder("\tset " + name + " {\n\t\ttype " + set.type() + "\n");
        set.properties().forEach(line -> out.append("\t\t").append(line).append('\n'));
        if (!set.elements().isEmpty()) {
            out.append("\t\telements = { ")
                    .append(String.join(
                            ", ",
                            set.elements().keySet().stream()
                                    .map(Element::toString)
                                    .toList()))
                    .append(" }\n");
        }
        return out.append("\t}\n").toString();
    }

    /** A script being run on {@code tables}. */
    private static final class Script {
        private final Map<String, Table> tables;
        private final Function<String, List<String>> included;
        private List<String> tokens = List.of();
        private int at;

        Script(Map<String, Table> tables, Function<String, List<String>> included) {
            this.tables = tables;
            this.included = included;
        }

        void run(String script) {
            List<String> found = new ArrayList<>();
            script.lines().map(line -> line.startsWith("#") ? "" : line).forEach(line -> {
                Matcher matcher = TOKEN.matcher(line);
                while (matcher.find()) {
                    found.add(matcher.group());
                }
                found.add("\n");
            });
            tokens = found;
            at = 0;
            while (skipBreaks()) {
                statement();
            }
        }

        private void statement() {
            String verb = next();
            switch (verb) {
                case "table" -> table(next() + " " + next());
                case "include" -> include(next().replace("\"", ""));
                case "add", "create", "delete", "flush" -> change(verb, next());
                default -> throw new Refused("Error: syntax error, unexpected string\n" + verb);
            }
        }

        private void include(String pattern) {
            for (String text : included.apply(pattern)) {
                new Script(tables, included).run(text);
            }
        }

        private void change(String verb, String object) {
            if (object.equals("ruleset") && verb.equals("flush")) {
                tables.clear();
                return;
            }
            String table = next() + " " + next();
            if (object.equals("table")) {
                if (verb.equals("add")) {
                    tables.computeIfAbsent(table, t -> new Table());
                } else if (verb.equals("delete")) {
                    if (tables.remove(table) == null) {
                        throw new Refused(
                                "Error: Could not process rule: No such file or directory\ndelete table " + table);
                    }
                } else {
                    throw new Refused("Error: the fake host's nft does not know: " + verb + " table");
                }
                return;
            }
            NamedSet set = set(table, next());
            switch (verb + " " + object) {
                case "add element" -> elements().forEach(set::add);
                case "delete element" -> elements().forEach(set::delete);
                case "flush set" -> set.elements().clear();
                default -> throw new Refused("Error: the fake host's nft does not know: " + verb + " " + object);
            }
        }

        private NamedSet set(String table, String name) {
            Table found = tables.get(table);
            NamedSet set = found == null ? null : found.sets().get(name);
            if (set == null) {
                throw new Refused(
                        "Error: Could not process rule: No such file or directory: set " + name + " in table " + table);
            }
            return set;
        }

        private void table(String name) {
            Table table = tables.computeIfAbsent(name, n -> new Table());
            if (at >= tokens.size() || !tokens.get(at).equals("{")) {
                return;
            }
            next();
            while (skipBreaks() && !tokens.get(at).equals("}")) {
                switch (next()) {
                    case "flags" -> {
                        table.flags().clear();
                        table.flags().add(restOfLine());
                    }
                    case "set" -> declareSet(table, next());
                    case "chain" -> table.chains().put(next(), block());
                    default ->
                        throw new Refused(
                                "Error: the fake host's nft does not know: " + tokens.get(at - 1) + " in a table");
                }
            }
            expect("}");
        }

        private void declareSet(Table table, String name) {
            expect("{");
            String type = "";
            List<String> properties = new ArrayList<>();
            List<Element> elements = List.of();
            while (skipBreaks() && !tokens.get(at).equals("}")) {
                switch (next()) {
                    case "type" -> type = restOfLine();
                    case "size", "flags" -> properties.add(tokens.get(at - 1) + " " + restOfLine());
                    case "elements" -> {
                        expect("=");
                        elements = elements();
                    }
                    default ->
                        throw new Refused(
                                "Error: the fake host's nft does not know: " + tokens.get(at - 1) + " in a set");
                }
            }
            expect("}");
            String declared = type;
            NamedSet set = table.sets().computeIfAbsent(name, n -> new NamedSet(declared, properties, new TreeMap<>()));
            if (!set.type().equals(declared)) {
                throw new Refused("Error: Could not process rule: File exists: set " + name);
            }
            elements.forEach(set::add);
        }

        private List<Element> elements() {
            List<Element> elements = new ArrayList<>();
            for (String part : block().split(",", -1)) {
                if (part.isBlank()) {
                    throw new Refused("Error: syntax error, unexpected '}'");
                }
                elements.add(Element.parse(part));
            }
            return elements;
        }

        /** Returns what stands in the braces that come next. */
        private String block() {
            expect("{");
            StringBuilder out = new StringBuilder();
            int depth = 1;
            while (true) {
                String token = next();
                depth += token.equals("{") ? 1 : token.equals("}") ? -1 : 0;
                if (depth == 0) {
                    return out.toString();
                }
                out.append(out.length() == 0 || token.equals("\n") ? "" : " ").append(token);
            }
        }

        private String restOfLine() {
            StringBuilder out = new StringBuilder();
            while (!tokens.get(at).equals("\n")
                    && !tokens.get(at).equals(";")
                    && !tokens.get(at).equals("}")) {
                out.append(out.length() == 0 ? "" : " ").append(next());
            }
            return out.toString();
        }

        private boolean skipBreaks() {
            while (at < tokens.size()
                    && (tokens.get(at).equals("\n") || tokens.get(at).equals(";"))) {
                at++;
            }
            return at < tokens.size();
        }

        private String next() {
            if (at >= tokens.size()) {
                throw new Refused("Error: syntax error, unexpected end of file");
            }
            return tokens.get(at++);
        }

        private void expect(String token) {
            String found = next();
            if (!found.equals(token)) {
                throw new Refused("Error: syntax error, unexpected " + found.strip() + ", expecting " + token);
            }
        }
    }
}
