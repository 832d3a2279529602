package io.kloigos.model;

import java.util.ArrayList;
import java.util.List;
import java.util.Objects;

/**
 * One thing that is wrong with a request.
 *
 * @param path where: field names (String) and list indexes (Integer) from the request's root, e.g. {@code cpu_ranges, 0}
 * @param type a stable word for programs, e.g. {@code cpu_range_overlap}
 * @param message what is wrong and what to do, for people
 */
public record Fault(List<Object> path, String type, String message) {
    public Fault {
        path = List.copyOf(path);
        Objects.requireNonNull(type);
        Objects.requireNonNull(message);
    }

    /** Returns a fault at {@code path}; path elements are field names and list indexes. */
    public static Fault of(String type, String message, Object... path) {
        return new Fault(List.of(path), type, message);
    }

    /** Returns this fault as seen from an enclosing structure in which it lies under {@code prefix}. */
    public Fault under(Object... prefix) {
        List<Object> whole = new ArrayList<>(List.of(prefix));
        whole.addAll(path);
        return new Fault(whole, type, message);
    }

    /** Returns the path with dots and brackets, then the message, e.g. {@code cpu_ranges[0]: overlaps ...}. */
    @Override
    public String toString() {
        StringBuilder where = new StringBuilder();
        for (Object element : path) {
            if (element instanceof Integer index) {
                where.append('[').append(index).append(']');
            } else {
                where.append(where.isEmpty() ? "" : ".").append(element);
            }
        }
        return where.isEmpty() ? message : where + ": " + message;
    }
}
