package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.HashMap;
import java.util.Map;
import java.util.Random;
import java.util.stream.LongStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** How units, their users and their directories are called. */
class UnitNamesTest {
    static LongStream seeds() {
        return LongStream.of(1, 2, 3, System.nanoTime());
    }

    // The long ones are on hosts and in databases: should they ever change, every such unit would be lost.
    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "0-15                                 | host1_0-15 | u0-15 | c0-15",
                "7                                    | host1_7 | u7 | c7",
                "0-3,64-67                            | host1_0-3_64-67 | u0-3_64-67 | c0-3_64-67",
                "0-7:2                                | host1_0_2_4_6 | u0_2_4_6 | c0_2_4_6",
                "0,2,4,6,8,10,12,14,16,18,20,222      | host1_0_2_4_6_8_10_12_14_16-d7d9acc4 | u0_2_4_6_8_10_12_14_16-d7d9acc4 | c0_2_4_6_8_10_12_14_16-d7d9acc4",
                "0-3,16-19,32-35,48-51,64-67,80-83    | host1_0-3_16-19_32-35_48-51-78a4fe15 | u0-3_16-19_32-35_48-51-78a4fe15 | c0-3_16-19_32-35_48-51-78a4fe15"
            })
    void areNamedAfterTheirCpus(String cpus, String id, String user, String directory) {
        CpuSet set = CpuSet.parse(cpus);

        assertThat(ComputeId.of("host1", set)).hasToString(id);
        assertThat(ComputeUnit.userOf(set)).isEqualTo(user);
        assertThat(ComputeUnit.directoryOf(set)).isEqualTo(directory);
    }

    @Test
    void anUnbrokenNameOfThirtyCharactersIsKept() {
        CpuSet thirty = CpuSet.parse("0,2,4,6,8,10,12,14,16,18,20,22");

        assertThat(ComputeUnit.userOf(thirty)).hasSize(31).isEqualTo("u0_2_4_6_8_10_12_14_16_18_20_22");
    }

    @ParameterizedTest(name = "seed {0}")
    @MethodSource("seeds")
    void fitUnixUserNamesAndDifferWhereTheCpusDo(long seed) {
        Random random = new Random(seed);
        Map<String, CpuSet> byUser = new HashMap<>();
        for (int i = 0; i < 5000; i++) {
            CpuSet cpus = CpuSet.of(random.ints(1 + random.nextInt(40), 0, 1 << (1 + random.nextInt(12)))
                    .toArray());
            String user = ComputeUnit.userOf(cpus);

            assertThat(user).hasSizeLessThanOrEqualTo(31).matches("[a-z][0-9a-f_-]*");
            assertThat(ComputeId.of("h.example.org", cpus).value()).isEqualTo("h.example.org_" + user.substring(1));
            CpuSet namesake = byUser.put(user, cpus);
            assertThat(namesake == null || namesake.equals(cpus))
                    .as("%s and %s are both called %s", namesake, cpus, user)
                    .isTrue();
        }
    }

    @ParameterizedTest
    @ValueSource(
            strings = {
                "",
                "host1",
                "host1_",
                "_0-15",
                "host1_x",
                "HOST_0-15",
                "host1_0-15 ",
                "host1_0-15\n",
                "host1_0,2",
                "host1/../x_0-15",
                "host 1_0-15",
                "host1_0-15;reboot",
                "host1_0123456789012345678901234567890"
            })
    void anythingElseIsNoComputeId(String text) {
        assertThatThrownBy(() -> new ComputeId(text)).isInstanceOfSatisfying(KloigosException.class, refusal -> {
            assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            assertThat(refusal).hasMessageContaining("host1_0-15");
        });
    }
}
