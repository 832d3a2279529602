package io.kloigos.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class TagsTest {
    @Test
    void equalTagsAreTheSameText() {
        Map<String, Object> given = new LinkedHashMap<>(Map.of("b", "2"));
        given.put("a", "1");

        assertThat(new Tags(given)).hasToString("{a=1, b=2}").isEqualTo(new Tags(Map.of("a", "1", "b", "2")));
        assertThat(new Tags(given).values().keySet()).containsExactly("b", "a");
    }

    @Test
    void keepTextsNumbersAndListsInTheOrderGiven() {
        Map<String, Object> values = new LinkedHashMap<>();
        values.put("owner", "ann");
        values.put("build", 17);
        values.put("nodes", List.of("a", "b"));

        assertThat(new Tags(values).values()).containsExactlyEntriesOf(values);
    }

    @Test
    void doNotChangeWithTheMapTheyWereMadeOf() {
        Map<String, Object> values = new LinkedHashMap<>(Map.of("owner", "ann"));
        Tags tags = new Tags(values);
        values.put("owner", "bob");

        assertThat(tags.values()).containsEntry("owner", "ann");
        assertThatThrownBy(() -> tags.values().clear()).isInstanceOf(UnsupportedOperationException.class);
    }

    static Stream<Object> impossibleValues() {
        return Stream.of(
                true,
                Map.of("a", "b"),
                List.of(1, 2),
                Arrays.asList("a", null),
                List.of(List.of("a")),
                "x".repeat(1025),
                List.of("x".repeat(1025)),
                Collections.nCopies(65, "a"),
                Double.NaN,
                Double.POSITIVE_INFINITY,
                Float.NEGATIVE_INFINITY);
    }

    @ParameterizedTest
    @MethodSource("impossibleValues")
    void refuseOtherValuesAndNameTheTag(Object value) {
        Map<String, Object> values = Map.of("good", "x", "bad", value);

        assertThatThrownBy(() -> new Tags(values)).isInstanceOfSatisfying(KloigosException.class, refusal -> {
            assertThat(refusal.code()).isEqualTo(ErrorCode.INVALID_REQUEST);
            assertThat(refusal.faults()).singleElement().satisfies(fault -> {
                assertThat(fault.type()).isEqualTo("tag_value");
                assertThat(fault.path()).containsExactly("bad");
            });
        });
    }

    @Test
    void nameEveryFaultAtOnce() {
        Map<String, Object> values = new LinkedHashMap<>();
        IntStream.range(0, 65).forEach(i -> values.put("tag" + i, i));
        values.put("", "no name");
        values.put("n".repeat(129), "long name");
        values.put("flag", true);

        assertThatThrownBy(() -> new Tags(values))
                .isInstanceOfSatisfying(
                        KloigosException.class,
                        refusal -> assertThat(refusal.faults())
                                .extracting(Fault::type)
                                .containsExactly("tags", "tag_name", "tag_name", "tag_value"));
    }

    @Test
    void knowTheDeploymentAsATextOrANumber() {
        assertThat(new Tags(Map.of("deployment_id", "d1")).deploymentId()).contains("d1");
        assertThat(new Tags(Map.of("deployment_id", 12)).deploymentId()).contains("12");
        assertThat(new Tags(Map.of("deployment_id", List.of("d1"))).deploymentId())
                .isEmpty();
        assertThat(Tags.none().deploymentId()).isEmpty();
    }
}
