package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.math.BigInteger;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class ByteSizeTest {
    static LongStream seeds() {
        return LongStream.of(1, 2, 3, System.nanoTime());
    }

    @ParameterizedTest
    @CsvSource({
        "0, 0",
        "1000, 1000",
        "1K, 1024",
        "512M, 536870912",
        "1.5G, 1610612736",
        "0.25K, 256",
        "1.125M, 1179648",
        "2T, 2199023255552",
        "7E, 8070450532247928832"
    })
    void readsSizesAsSystemdWritesThem(String text, long bytes) {
        assertThat(ByteSize.parse(text).bytes()).isEqualTo(bytes);
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                " ",
                "-1",
                "+1",
                "1.5",
                "1,5G",
                "1g",
                "1GB",
                "1GiB",
                "G",
                ".5G",
                "1.G",
                "1.2345G",
                "1 G",
                "0x10",
                "1e3",
                "infinity",
                "50%",
                "1G\n"
            })
    void refusesAnythingElseAndShowsAnExample(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text)).isInstanceOfSatisfying(KloigosException.class, refusal -> {
            assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            assertThat(refusal).hasMessageContaining("\"512M\"");
        });
    }

    @ParameterizedTest
    @ValueSource(strings = {"8E", "9000000P", "999999999999999999K", "9999999999999999999"})
    void saysThatASizeIsBeyondAllDisks(String text) {
        assertThatThrownBy(() -> ByteSize.parse(text)).hasMessageContaining("exceeds the largest size");
    }

    @Test
    void refusesNegativeSizes() {
        assertThatThrownBy(() -> new ByteSize(-1)).isInstanceOf(KloigosException.class);
        assertThat(new ByteSize(1).minus(new ByteSize(5))).isEqualTo(new ByteSize(0));
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void readsBackWhatItPrints(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            long bytes = (random.nextLong() >>> (1 + random.nextInt(62))) & (-1L << (10 * random.nextInt(4)));
            ByteSize size = new ByteSize(bytes);
            assertThat(ByteSize.parse(size.toString())).isEqualTo(size);
        }
    }

    @ParameterizedTest
    @CsvSource({"0, 0", "1023, 1023", "1024, 1K", "1536, 1536", "1572864, 1536K", "1073741824, 1G"})
    void printsTheLargestUnitWithoutLoss(long bytes, String text) {
        assertThat(new ByteSize(bytes)).hasToString(text);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void takesExactShares(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 1000; i++) {
            long bytes = random.nextLong() >>> (1 + random.nextInt(60));
            long denominator = 1L + random.nextInt(8192);
            long numerator = random.nextInt((int) denominator + 1);
            assertThat(new ByteSize(bytes).times(numerator, denominator).bytes())
                    .as("%d * %d / %d", bytes, numerator, denominator)
                    .isEqualTo(BigInteger.valueOf(bytes)
                            .multiply(BigInteger.valueOf(numerator))
                            .divide(BigInteger.valueOf(denominator))
                            .longValueExact());
        }
    }

    @Test
    void aProductBeyondAllDisksIsTheLargestSize() {
        assertThat(ByteSize.parse("7E").times(300, 1).bytes()).isEqualTo(Long.MAX_VALUE);
    }

    @Test
    void roundsDownToAStepOrToKibibytes() {
        assertThat(new ByteSize(5000).roundedDown(new ByteSize(1024))).isEqualTo(new ByteSize(4096));
        assertThat(new ByteSize(5000).kibibytes()).isEqualTo(4);
    }
}
