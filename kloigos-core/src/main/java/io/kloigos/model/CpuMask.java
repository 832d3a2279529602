package io.kloigos.model;

import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Pattern;
import java.util.stream.IntStream;

/**
 * A set of CPUs as the kernel prints it in a file named {@code cpumask}: a hexadecimal number, the lowest bit for CPU 0, in groups of
 * eight digits, e.g. {@code f,ffffffff}. Every mask of a host is as wide as the host may have CPUs.
 *
 * @param cpus the CPUs
 * @param digits how many digits there are, without commas; enough for the CPUs
 * @see <a href="https://docs.kernel.org/core-api/workqueue.html">the kernel's documentation of workqueues</a>
 */
public record CpuMask(CpuSet cpus, int digits) {
    private static final int GROUP = 8;
    private static final int BITS = 4;
    private static final int MOST_DIGITS = (CpuSet.MAX_CPU + 1) / BITS;
    private static final Pattern MASK = Pattern.compile("[0-9a-f]{1,8}(,[0-9a-f]{8})*");

    public CpuMask {
        if (digits < 1 || digits > MOST_DIGITS || cpus.stream().max().orElse(0) >= digits * BITS) {
            throw KloigosException.invalid(
                    "cpu_mask", "a CPU mask of " + digits + " digits cannot hold the CPUs " + cpus);
        }
    }

    /**
     * Returns the mask that {@code text} tells.
     *
     * @throws KloigosException INVALID_REQUEST if it is none
     */
    public static CpuMask parse(String text) {
        String digits = text.replace(",", "");
        if (!MASK.matcher(text).matches() || digits.length() > MOST_DIGITS) {
            throw KloigosException.invalid("cpu_mask", "\"" + text + "\" is no CPU mask such as ff,ffffffff");
        }
        BigInteger bits = new BigInteger(digits, 16);
        int[] cpus = IntStream.range(0, bits.bitLength()).filter(bits::testBit).toArray();
        return new CpuMask(CpuSet.of(cpus), digits.length());
    }

    /** Returns a mask of these CPUs on the same host. */
    public CpuMask of(CpuSet others) {
        return new CpuMask(others, digits);
    }

    /** Returns the text that the kernel prints and {@link #parse} reads. */
    @Override
    public String toString() {
        BigInteger bits = BigInteger.ZERO;
        for (int cpu : cpus.stream().toArray()) {
            bits = bits.setBit(cpu);
        }
        String text = bits.toString(16).toLowerCase(Locale.ROOT);
        StringBuilder out = new StringBuilder("0".repeat(digits - text.length())).append(text);
        for (int comma = digits - GROUP; comma > 0; comma -= GROUP) {
            out.insert(comma, ',');
        }
        return out.toString();
    }
}
