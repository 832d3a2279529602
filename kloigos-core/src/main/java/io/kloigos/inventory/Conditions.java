package io.kloigos.inventory;

import java.util.ArrayList;
import java.util.List;
import org.jdbi.v3.core.Handle;
import org.jdbi.v3.core.statement.Query;
import org.jspecify.annotations.Nullable;

/** What must hold of every row that a query finds. */
final class Conditions {
    /** Comes after every character of a text. */
    private static final String LAST_CHARACTER = Character.toString(Character.MAX_CODE_POINT);

    private final List<String> all = new ArrayList<>();
    private final List<Object> values = new ArrayList<>();

    /** Adds that {@code column} has this value; null adds nothing. */
    Conditions equal(String column, @Nullable Object value) {
        return value == null ? this : and(column + " = ?", List.of(value));
    }

    /**
     * Adds that {@code column}, which the database compares byte by byte, begins like this, as its index can tell; null adds
     * nothing.
     */
    Conditions beginning(String column, @Nullable String start) {
        return start == null || start.isEmpty()
                ? this
                : and(column + " >= ? AND " + column + " < ?", List.of(start, start + LAST_CHARACTER));
    }

    /** Adds a condition with a question mark for each value. */
    Conditions and(String condition, List<Object> conditionValues) {
        all.add(condition);
        values.addAll(conditionValues);
        return this;
    }

    /** Adds the condition that {@code table} has a row of which the other conditions hold. */
    Conditions exists(String table, Conditions other) {
        return and("EXISTS (SELECT 1 FROM " + table + " WHERE " + String.join(" AND ", other.all) + ")", other.values);
    }

    /** Returns the query {@code select}, with these conditions before {@code rest}. */
    Query query(Handle handle, String select, String rest) {
        String where = all.isEmpty() ? "" : " WHERE " + String.join(" AND ", all);
        Query query = handle.createQuery(select + where + " " + rest);
        for (int i = 0; i < values.size(); i++) {
            query.bind(i, values.get(i));
        }
        return query;
    }
}
