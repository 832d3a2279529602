package io.kloigos.http.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/** A figure beside its reference, measured in turn, so that both had the same share of a machine that others use too. */
final class Ratios {
    private final List<Double> figures = new ArrayList<>();
    private final List<Double> references = new ArrayList<>();

    void add(double figure, double reference) {
        figures.add(figure);
        references.add(reference);
    }

    /** Returns a row of a table: the medians, and of the pairs' ratios median, minimum and maximum. */
    String row(String what, String unit) {
        List<Double> ratios = new ArrayList<>();
        for (int pair = 0; pair < figures.size(); pair++) {
            ratios.add(figures.get(pair) / references.get(pair));
        }
        return String.format(
                Locale.ROOT,
                "%-62s %9.1f %9.1f %-6s %7.2f %7.2f %7.2f %3d",
                what,
                median(figures),
                median(references),
                unit,
                median(ratios),
                ratios.stream().mapToDouble(Double::doubleValue).min().orElseThrow(),
                ratios.stream().mapToDouble(Double::doubleValue).max().orElseThrow(),
                figures.size());
    }

    static String head() {
        return String.format(
                "%-62s %9s %9s %-6s %7s %7s %7s %3s", "", "kloigos", "reference", "", "ratio", "min", "max", "n");
    }

    static double median(List<Double> values) {
        List<Double> sorted = values.stream().sorted().toList();
        int middle = sorted.size() / 2;
        return sorted.size() % 2 == 1 ? sorted.get(middle) : (sorted.get(middle - 1) + sorted.get(middle)) / 2;
    }
}
