package io.kloigos.model;

import java.math.BigInteger;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * An amount of memory or disk.
 *
 * @param bytes the number of bytes, 0 or more
 * @see <a href="https://man7.org/linux/man-pages/man5/systemd.resource-control.5.html">systemd.resource-control(5)</a>
 */
public record ByteSize(long bytes) implements Comparable<ByteSize> {
    private static final String UNITS = "KMGTPE";
    private static final Pattern FORMAT = Pattern.compile("(\\d{1,19})(?:\\.(\\d{1,3}))?([KMGTPE]?)");

    public ByteSize {
        if (bytes < 0) {
            throw KloigosException.invalid("byte_size", "a size of " + bytes + " bytes is negative");
        }
    }

    /** Returns {@code mebibytes} MiB. */
    public static ByteSize ofMebibytes(long mebibytes) {
        return new ByteSize(Math.multiplyExact(mebibytes, 1L << 20));
    }

    /** Returns {@code kibibytes} KiB. */
    public static ByteSize ofKibibytes(long kibibytes) {
        return new ByteSize(Math.multiplyExact(kibibytes, 1L << 10));
    }

    /**
     * Returns the size that {@code text} names: digits with an optional fraction and one of K, M, G, T, P, E (powers of
     * 1024), as systemd writes sizes.
     *
     * @throws KloigosException INVALID_REQUEST if the text is anything else or exceeds 8 EiB
     */
    public static ByteSize parse(String text) {
        Matcher matcher = FORMAT.matcher(text);
        if (!matcher.matches() || (matcher.group(2) != null && matcher.group(3).isEmpty())) {
            String shown = text.length() <= 40 ? text : text.substring(0, 40) + "...";
            throw KloigosException.invalid("byte_size", "\"" + shown + "\" is not a size such as \"512M\" or \"1.5G\"");
        }
        int shift = matcher.group(3).isEmpty() ? 0 : 10 * (UNITS.indexOf(matcher.group(3)) + 1);
        try {
            long whole = Math.multiplyExact(Long.parseLong(matcher.group(1)), 1L << shift);
            String fraction = matcher.group(2) == null ? "0" : matcher.group(2);
            double part = Integer.parseInt(fraction) / Math.pow(10, fraction.length());
            return new ByteSize(Math.addExact(whole, (long) (part * (1L << shift))));
        } catch (ArithmeticException | NumberFormatException e) {
            throw KloigosException.invalid("byte_size", "\"" + text + "\" exceeds the largest size of 8 EiB");
        }
    }

    /** Returns the size rounded down to a multiple of {@code step}. */
    public ByteSize roundedDown(ByteSize step) {
        return new ByteSize(bytes / step.bytes * step.bytes);
    }

    /** Returns whole KiB, rounded down: the unit of the quota tools. */
    public long kibibytes() {
        return bytes >> 10;
    }

    /** Returns {@code this - other}, or zero if that would be negative. */
    public ByteSize minus(ByteSize other) {
        return new ByteSize(Math.max(0, bytes - other.bytes));
    }

    /** Returns {@code this * numerator / denominator}, rounded down, and at most the largest size. */
    public ByteSize times(long numerator, long denominator) {
        BigInteger exact = BigInteger.valueOf(bytes)
                .multiply(BigInteger.valueOf(numerator))
                .divide(BigInteger.valueOf(denominator));
        return new ByteSize(exact.min(BigInteger.valueOf(Long.MAX_VALUE)).longValueExact());
    }

    @Override
    public int compareTo(ByteSize other) {
        return Long.compare(bytes, other.bytes);
    }

    /** Returns the shortest text that {@link #parse} turns back into this size without loss: {@code 512M}, {@code 1000}. */
    @Override
    public String toString() {
        for (int unit = UNITS.length(); unit > 0; unit--) {
            long mask = (1L << (10 * unit)) - 1;
            if (bytes != 0 && (bytes & mask) == 0) {
                return (bytes >> (10 * unit)) + UNITS.substring(unit - 1, unit);
            }
        }
        return Long.toString(bytes);
    }
}
