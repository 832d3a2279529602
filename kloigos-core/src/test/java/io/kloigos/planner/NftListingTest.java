package io.kloigos.planner;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

/** Tables as nft 1.0.6 lists them. */
class NftListingTest {
    private static final String TABLE = """
            table inet kloigos {
            	set ranges {
            		type inet_service
            		flags interval
            		elements = { 2000-2199, 2200-2399 }
            	}

            	chain output {
            		type filter hook output priority 0; policy accept;
            		meta l4proto != { 6, 17 } goto neither
            		th sport @ranges counter packets 0 bytes 0 drop
            	}
            }
            """;

    private static String difference(String changed) {
        return NftListing.parse(changed).differenceFrom(NftListing.parse(TABLE)).orElse("none");
    }

    @Test
    void countersAndTheOrderOfElementsAreNoDifference() {
        assertThat(difference(TABLE.replace("packets 0 bytes 0", "packets 17 bytes 1020")
                        .replace("{ 6, 17 }", "{ 17, 6 }")
                        .replace("2000-2199, 2200-2399", "2200-2399,\n\t\t\t 2000-2199")))
                .isEqualTo("none");
    }

    @Test
    void aTableThatIsSwitchedOffIsADifference() {
        assertThat(difference(TABLE.replace("kloigos {", "kloigos {\n\tflags dormant")))
                .isEqualTo("flags dormant");
    }

    @Test
    void aRuleInPlaceOfAnotherIsADifference() {
        assertThat(difference(TABLE.replace("bytes 0 drop", "bytes 0 accept")))
                .isEqualTo("th sport @ranges counter accept");
        assertThat(difference(TABLE.replace("		th sport @ranges counter packets 0 bytes 0 drop\n", "")))
                .isEqualTo("}");
    }

    @Test
    void anElementThatNobodyAddedIsADifferenceAndOneThatLacksIsForTheUnit() {
        assertThat(difference(TABLE.replace("2200-2399", "2200-2399, 3000-3001")))
                .isEqualTo("also 3000-3001 in set ranges");
        assertThat(difference(TABLE.replace(", 2200-2399", ""))).isEqualTo("none");
    }

    @Test
    void noTableIsADifferenceAlsoWhereNoneCouldBeMade() {
        assertThat(difference("failed")).isEqualTo("absent");
        assertThat(difference("")).isEqualTo("absent");
        assertThat(NftListing.parse("failed").differenceFrom(NftListing.parse("failed")))
                .contains("absent");
        assertThat(NftListing.parse(TABLE).differenceFrom(NftListing.parse("failed")))
                .hasValueSatisfying(text -> assertThat(text).startsWith("unknown: "));
    }
}
