package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.BitSet;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

class CpuSetTest {
    /** Some seeds for ever, and one of today; a failure names the seed that shows it. */
    static LongStream seeds() {
        return LongStream.of(1, 2, 3, 4, 5, System.nanoTime());
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0                          | 0",
                "0-15                       | 0-15",
                "5,3,4                      | 3-5",
                "0,1                        | 0-1",
                "0-3,64-67                  | 0-3,64-67",
                "0-3 64-67                  | 0-3,64-67",
                "0-3 , 64-67                | 0-3,64-67",
                "4-7,0-5,6                  | 0-7",
                "007                        | 7",
                "8191                       | 8191",
                "0-7:2                      | 0,2,4,6",
                "1-7:3                      | 1,4,7",
                "0-15:2/4                   | 0-1,4-5,8-9,12-13",
                "0-14:4/8                   | 0-3,8-11",
                "0-9:3/8                    | 0-2,8-9",
                "0-31:1/3,1-31:1/3,2-31:1/3 | 0-31",
                "0-31:16/31                 | 0-15,31",
                "3-3:1/1                    | 3",
                "0-3:100                    | 0"
            })
    void printsListsAsTheKernelDoes(String text, String canonical) {
        assertThat(CpuSet.parse(text)).hasToString(canonical);
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "all          | 0-15",
                "N            | 15",
                "8-N          | 8-15",
                "N-N          | 15",
                "0-N:2        | 0,2,4,6,8,10,12,14",
                "0-N:2/8      | 0-1,8-9",
                "all:4/8      | 0-3,8-11",
                "0,N          | 0,15"
            })
    void understandsTheLastCpuOfAKnownHost(String text, String canonical) {
        assertThat(CpuSet.parse(text, 15)).hasToString(canonical);
    }

    @ParameterizedTest
    @ValueSource(strings = {"all", "N", "0-N", "0-3,N", "all:1/2"})
    void asksForNumbersWhereTheHostIsNotKnown(String text) {
        assertThatThrownBy(() -> CpuSet.parse(text))
                .isInstanceOf(KloigosException.class)
                .hasMessageContaining("write the numbers");
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                ",",
                "0,",
                ",0",
                "0,,1",
                "-",
                "-1",
                "1-",
                "3-1",
                "0--3",
                "a",
                "0x1",
                "0-3-5",
                "0:2",
                "0-7:",
                "0-7:0",
                "0-7:3/2",
                "0-7:0/2",
                "0-7:2/0",
                "0-7:2/",
                "0-7/2",
                "8192",
                "0-8192",
                "99999999999",
                "1.5",
                "0;1",
                "$(reboot)",
                "0\n;1",
                "n",
                "All",
                "٣",
                "0–3"
            })
    void refusesWhatIsNoListAndSaysWhatOneLooksLike(String text) {
        assertThatThrownBy(() -> CpuSet.parse(text, 15)).isInstanceOfSatisfying(KloigosException.class, refusal -> {
            assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            assertThat(refusal.faults()).extracting(Fault::type).containsExactly("cpu_set");
            assertThat(refusal).hasMessageContaining("is not a CPU set").hasMessageContaining("0-3,64-67");
        });
    }

    @Test
    void namesTheTermThatIsWrong() {
        assertThatThrownBy(() -> CpuSet.parse("0-3,9-5,7")).hasMessageContaining("\"9-5\", which runs backwards");
        assertThatThrownBy(() -> CpuSet.parse("0-3,x")).hasMessageContaining("it has \"x\"");
        assertThatThrownBy(() -> CpuSet.parse("0-9000")).hasMessageContaining("CPU 9000, above the largest possible");
    }

    @Test
    void refusesAHugeTextWithoutRepeatingIt() {
        assertThatThrownBy(() -> CpuSet.parse("0,".repeat(1_000_000)))
                .isInstanceOf(KloigosException.class)
                .satisfies(refusal -> assertThat(refusal.getMessage()).hasSizeLessThan(200));
        assertThatThrownBy(() -> CpuSet.parse("x".repeat(4000)))
                .satisfies(refusal -> assertThat(refusal.getMessage()).hasSizeLessThan(500));
    }

    @ParameterizedTest
    @ValueSource(strings = {"", " ", "\n", "\t \n"})
    void readsABlankFileAsNoCpus(String text) {
        assertThat(CpuSet.parse(text)).isEqualTo(CpuSet.empty()).hasToString("");
    }

    @Test
    void readsAKernelFileWithItsLineBreak() {
        assertThat(CpuSet.parse("0-3,8-11\n")).isEqualTo(CpuSet.of(0, 1, 2, 3, 8, 9, 10, 11));
    }

    @Test
    void refusesIntervalsThatAreNotInOrder() {
        List<CpuSet.Span> touching = List.of(new CpuSet.Span(0, 1), new CpuSet.Span(2, 3));
        List<CpuSet.Span> backwards = List.of(new CpuSet.Span(4, 5), new CpuSet.Span(0, 1));

        assertThatThrownBy(() -> new CpuSet(touching)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> new CpuSet(backwards)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> CpuSet.of(-1)).isInstanceOf(KloigosException.class);
        assertThatThrownBy(() -> CpuSet.range(0, CpuSet.MAX_CPU + 1)).isInstanceOf(KloigosException.class);
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void computesLikeABitSet(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            BitSet left = bits(random);
            BitSet right = bits(random);
            CpuSet a = set(left);
            CpuSet b = set(right);

            assertThat(members(a.union(b))).isEqualTo(combined(left, right, BitSet::or));
            assertThat(members(a.intersect(b))).isEqualTo(combined(left, right, BitSet::and));
            assertThat(members(a.minus(b))).isEqualTo(combined(left, right, BitSet::andNot));
            assertThat(a.count()).isEqualTo(left.cardinality());
            assertThat(a.isEmpty()).isEqualTo(left.isEmpty());
            assertThat(a.intersects(b)).isEqualTo(left.intersects(right));
            assertThat(a.containsAll(b))
                    .isEqualTo(combined(right, left, BitSet::andNot).isEmpty());
            assertThat(a.equals(b)).isEqualTo(left.equals(right));
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void readsBackWhatItPrints(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 200; i++) {
            BitSet bits = bits(random);
            CpuSet set = set(bits);

            assertThat(CpuSet.parse(set.toString())).isEqualTo(set).hasSameHashCodeAs(set);
            assertThat(CpuSet.parse(set.toList())).isEqualTo(set);
            assertThat(members(set)).isEqualTo(bits);
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void readsGroupsCpuByCpu(long seed) {
        Random random = new Random(seed);
        for (int i = 0; i < 300; i++) {
            int first = random.nextInt(100);
            int last = first + random.nextInt(100);
            int group = 1 + random.nextInt(20);
            int used = 1 + random.nextInt(group);
            String text = first + "-" + last + ":" + used + "/" + group;

            assertThat(CpuSet.parse(text).stream())
                    .as(text)
                    .containsExactlyElementsOf(IntStream.rangeClosed(first, last)
                            .filter(cpu -> (cpu - first) % group < used)
                            .boxed()
                            .toList());
        }
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void ordersConsistentlyWithEquality(long seed) {
        Random random = new Random(seed);
        List<CpuSet> sets = new ArrayList<>(List.of(CpuSet.empty()));
        for (int i = 0; i < 50; i++) {
            sets.add(set(bits(random)));
        }
        Collections.shuffle(sets, random);
        sets.sort(null);

        assertThat(sets.get(0)).isEqualTo(CpuSet.empty());
        for (CpuSet a : sets) {
            for (CpuSet b : sets) {
                assertThat(Integer.signum(a.compareTo(b))).isEqualTo(-Integer.signum(b.compareTo(a)));
                assertThat(a.compareTo(b) == 0).isEqualTo(a.equals(b));
            }
        }
    }

    private static BitSet bits(Random random) {
        BitSet bits = new BitSet();
        int size = 1 + random.nextInt(300);
        int changes = random.nextInt(12);
        for (int i = 0; i < changes; i++) {
            int first = random.nextInt(size);
            bits.set(first, first + 1 + random.nextInt(size - first));
            bits.clear(random.nextInt(size));
        }
        return bits;
    }

    private static CpuSet set(BitSet bits) {
        return CpuSet.of(bits.stream().toArray());
    }

    private static BitSet members(CpuSet set) {
        BitSet bits = new BitSet();
        set.stream().forEach(bits::set);
        return bits;
    }

    private static BitSet combined(BitSet left, BitSet right, java.util.function.BiConsumer<BitSet, BitSet> change) {
        BitSet result = (BitSet) left.clone();
        change.accept(result, right);
        return result;
    }
}
