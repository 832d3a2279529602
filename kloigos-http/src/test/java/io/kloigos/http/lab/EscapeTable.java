package io.kloigos.http.lab;

import io.kloigos.testkit.escape.Attempt;
import io.kloigos.testkit.lab.Lab;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;

/** The table of docs/isolation.md: what became of each attempt on each release. */
final class EscapeTable {
    private static final Path DOCUMENT = Path.of("../docs/isolation.md");
    private static final String BEGIN = "| attempt | tries | bookworm | trixie |\n|---|---|---|---|\n";

    private EscapeTable() {}

    /** Returns the verdict that the document has for each attempt on a release. */
    static Map<String, String> documented(Lab.Release release) {
        return rows().entrySet().stream()
                .collect(Collectors.toMap(Map.Entry::getKey, row -> row.getValue()[column(release)]));
    }

    /** Returns the verdict of each attempt, and the reason where it is none. */
    static Map<String, String> found(List<Attempt> attempts) {
        return attempts.stream().collect(Collectors.toMap(Attempt::id, EscapeTable::cell));
    }

    /** What cannot be tried on a release has a reason. */
    private static String cell(Attempt attempt) {
        String reason = attempt.answered().replace('|', '/').replace("`", "").strip();
        return attempt.verdict() == Attempt.Verdict.NOT_APPLICABLE
                ? "not applicable: " + reason
                : attempt.verdict().toString();
    }

    /** Writes the verdicts of a release into the document; those of the other release stay. */
    static void approve(Lab.Release release, List<Attempt> attempts) {
        Map<String, String[]> rows = rows();
        rows.keySet().retainAll(found(attempts).keySet());
        for (Attempt attempt : attempts) {
            String[] row = rows.computeIfAbsent(attempt.id(), id -> new String[] {"", id, "", "", ""});
            row[2] = attempt.tried();
            row[column(release)] = cell(attempt);
        }
        String table = rows.values().stream()
                .map(row -> "| `" + row[1] + "` | " + row[2] + " | " + row[3] + " | " + row[4] + " |\n")
                .collect(Collectors.joining());
        String text = document();
        int begin = text.indexOf(BEGIN) + BEGIN.length();
        int end = text.indexOf("\n\n", begin - 1);
        try {
            Files.writeString(DOCUMENT, text.substring(0, begin) + table + text.substring(end + 1));
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }

    private static int column(Lab.Release release) {
        return release == Lab.Release.BOOKWORM ? 3 : 4;
    }

    /** The cells of each row by attempt; the first is empty, as what is before the first bar. */
    private static Map<String, String[]> rows() {
        Map<String, String[]> rows = new TreeMap<>();
        String text = document();
        text.substring(text.indexOf(BEGIN))
                .lines()
                .filter(line -> line.startsWith("| `"))
                .forEach(line -> {
                    String[] cells = line.split("\\|", -1);
                    for (int i = 0; i < cells.length; i++) {
                        cells[i] = cells[i].strip().replace("`", "");
                    }
                    rows.put(cells[1], cells);
                });
        return rows;
    }

    private static String document() {
        try {
            return Files.readString(DOCUMENT);
        } catch (IOException e) {
            throw new UncheckedIOException(e);
        }
    }
}
