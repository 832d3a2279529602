package io.kloigos.http;

import io.kloigos.model.Sha256;
import java.util.List;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * A weak name for an answer as it now is, by which a client that has it learns that it is still so.
 *
 * @param opaque what stands between the quotation marks
 * @see <a href="https://www.rfc-editor.org/rfc/rfc9110#section-8.8.3">RFC 9110, ETag</a>
 */
record EntityTag(String opaque) {
    private static final int DIGITS = 24;
    private static final Pattern LISTED = Pattern.compile("\\*|\"([^\"]*)\"");

    /** Returns the name of the answer that is made of these parts and of nothing else. */
    static EntityTag of(List<String> parts) {
        StringBuilder whole = new StringBuilder();
        parts.forEach(part -> whole.append(part.length()).append(':').append(part));
        return new EntityTag(Sha256.of(whole.toString()).hex().substring(0, DIGITS));
    }

    /** Tells whether these If-None-Match headers name it; weak and strong names are the same here. */
    boolean isAmong(Stream<String> headers) {
        return headers.flatMap(header -> LISTED.matcher(header).results())
                .anyMatch(listed -> listed.group().equals("*") || opaque.equals(listed.group(1)));
    }

    @Override
    public String toString() {
        return "W/\"" + opaque + "\"";
    }
}
