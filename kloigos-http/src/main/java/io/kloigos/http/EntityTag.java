package io.kloigos.http;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.Arrays;
import java.util.HexFormat;
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
    private static final int BYTES = 12;
    private static final Pattern LISTED = Pattern.compile("\\*|\"([^\"]*)\"");

    /** Returns the name of the answer that is made of these parts and of nothing else. */
    static EntityTag of(List<String> parts) {
        try {
            MessageDigest digest = MessageDigest.getInstance("SHA-256");
            for (String part : parts) {
                byte[] bytes = part.getBytes(StandardCharsets.UTF_8);
                digest.update((bytes.length + ":").getBytes(StandardCharsets.US_ASCII));
                digest.update(bytes);
            }
            return new EntityTag(HexFormat.of().formatHex(Arrays.copyOf(digest.digest(), BYTES)));
        } catch (NoSuchAlgorithmException e) {
            throw new IllegalStateException("Every Java has SHA-256", e);
        }
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
