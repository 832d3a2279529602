package io.kloigos.model;

import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.util.Arrays;
import java.util.Base64;
import java.util.HexFormat;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A secret that is shown once and kept only as its hash: {@code kloigos_}, the public id of what it opens, and 256 random bits.
 * One round of SHA-256 suffices for a secret that nobody can guess. Prints without the secret.
 *
 * @param id 16 lower-case hexadecimal digits
 * @param random 256 random bits in URL-safe base64 without padding
 */
public record TokenSecret(String id, String random) {
    /** What every secret begins with, so that scanners for leaked secrets find it. */
    public static final String PREFIX = "kloigos_";

    /** How many bytes of randomness {@link #of} takes. */
    public static final int BYTES = 40;

    private static final int ID_BYTES = 8;
    private static final Pattern FORMAT = Pattern.compile(PREFIX + "([0-9a-f]{16})_([A-Za-z0-9_-]{43})");

    public TokenSecret {
        if (!FORMAT.matcher(text(id, random)).matches()) {
            throw KloigosException.invalid("token", "is not a token of Kloigos");
        }
    }

    /**
     * Returns a new secret.
     *
     * @param bytes {@link #BYTES} bytes of a cryptographic source of randomness
     */
    public static TokenSecret of(byte[] bytes) {
        if (bytes.length != BYTES) {
            throw new IllegalArgumentException(BYTES + " random bytes make a secret, not " + bytes.length);
        }
        Base64.Encoder base64 = Base64.getUrlEncoder().withoutPadding();
        return new TokenSecret(
                HexFormat.of().formatHex(bytes, 0, ID_BYTES),
                base64.encodeToString(Arrays.copyOfRange(bytes, ID_BYTES, BYTES)));
    }

    /** Returns the secret that {@code text} is; empty if it is none. */
    public static Optional<TokenSecret> parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        return matcher.matches() ? Optional.of(new TokenSecret(matcher.group(1), matcher.group(2))) : Optional.empty();
    }

    /** Returns the whole secret, to be shown once. */
    public String text() {
        return text(id, random);
    }

    private static String text(String id, String random) {
        return PREFIX + id + "_" + random;
    }

    /** Returns what is kept of it: SHA-256 in hexadecimal. */
    public String hash() {
        return Sha256.of(text()).hex();
    }

    /** Tells whether {@code hash} is what is kept of this secret, in a time that tells nothing of where they differ. */
    public boolean matches(String hash) {
        return MessageDigest.isEqual(
                hash().getBytes(StandardCharsets.US_ASCII), hash.getBytes(StandardCharsets.US_ASCII));
    }

    @Override
    public String toString() {
        return PREFIX + id + "_...";
    }
}
