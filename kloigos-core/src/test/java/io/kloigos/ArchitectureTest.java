package io.kloigos;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaAnnotation;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;

/** The boundaries of kloigos-core hold by this test, not by promise. */
class ArchitectureTest {
    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.kloigos");
    private static final JavaClasses TESTS = new ClassFileImporter()
            .withImportOption(new ImportOption.OnlyIncludeTests())
            .importPackages("io.kloigos");

    private static void mayUse(String user, String... used) {
        String[] allowed = Stream.concat(Stream.of("java..", "org.jspecify.annotations", user), Stream.of(used))
                .toArray(String[]::new);
        classes()
                .that()
                .resideInAPackage(user)
                .should()
                .onlyDependOnClassesThat()
                .resideInAnyPackage(allowed)
                .check(MAIN);
    }

    @Test
    void everythingIsLookedAt() {
        assertThat(MAIN).hasSizeGreaterThan(70);
        assertThat(TESTS).hasSizeGreaterThan(20);
        assertThat(MAIN.stream().map(JavaClass::getPackageName).distinct())
                .as("a new package needs a rule here")
                .containsExactlyInAnyOrder(
                        "io.kloigos",
                        "io.kloigos.inventory",
                        "io.kloigos.model",
                        "io.kloigos.planner",
                        "io.kloigos.rules",
                        "io.kloigos.spi");
    }

    @Test
    void theModelKnowsNobody() {
        mayUse("io.kloigos.model");
    }

    @Test
    void theSpiKnowsOnlyTheModel() {
        mayUse("io.kloigos.spi", "io.kloigos.model");
    }

    @Test
    void rulesKnowOnlyTheModel() {
        mayUse("io.kloigos.rules", "io.kloigos.model");
    }

    @Test
    void thePlannerKnowsNoDriverAndNoStore() {
        mayUse("io.kloigos.planner", "io.kloigos.model", "io.kloigos.spi", "io.kloigos.rules");
    }

    @Test
    void onlyTheInventoryKnowsTheDatabase() {
        mayUse(
                "io.kloigos.inventory",
                "io.kloigos.model",
                "io.kloigos.rules",
                "javax.sql",
                "org.jdbi..",
                "org.sqlite..",
                "org.flywaydb..",
                "com.fasterxml.jackson..");
    }

    @Test
    void theFacadeKnowsAllOfThemAndOnlyALogBeside() {
        mayUse("io.kloigos", "io.kloigos..", "javax.sql", "org.slf4j");
    }

    @Test
    void whatIsPureReadsNoClockNoFileAndNoChance() {
        noClasses()
                .that()
                .resideInAnyPackage("io.kloigos.model", "io.kloigos.rules", "io.kloigos.planner", "io.kloigos.spi")
                .should()
                .callMethod(java.time.Instant.class, "now")
                .orShould()
                .callMethod(System.class, "currentTimeMillis")
                .orShould()
                .callMethod(System.class, "nanoTime")
                .orShould()
                .callMethod(System.class, "getenv")
                .orShould()
                .dependOnClassesThat()
                .resideInAnyPackage("java.io", "java.nio.file", "java.util.concurrent..")
                .orShould()
                .dependOnClassesThat()
                .areAssignableTo(java.util.Random.class)
                .check(MAIN);
    }

    @Test
    void packagesHaveNoCycles() {
        slices().matching("io.kloigos.(*)").should().beFreeOfCycles().check(MAIN);
        noClasses()
                .that()
                .resideOutsideOfPackage("io.kloigos")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.kloigos")
                .check(MAIN);
    }

    @Test
    void namesSayWhatAClassIs() {
        for (JavaClasses both : new JavaClasses[] {MAIN, TESTS}) {
            noClasses()
                    .should()
                    .haveNameMatching(".*(Util|Utils|Helper|Helpers|Manager|Impl)")
                    .check(both);
        }
    }

    @Test
    void noTestIsSkipped() {
        noClasses()
                .should()
                .dependOnClassesThat(DescribedPredicate.describe(
                        "make assumptions",
                        used -> used.getSimpleName().equals("Assumptions")
                                || used.getSimpleName().equals("TestAbortedException")))
                .check(TESTS);
        classes().should(haveNoConditions()).check(TESTS);
    }

    /** Neither on themselves nor on a method: Disabled, EnabledOnOs, DisabledIf and their like. */
    private static ArchCondition<JavaClass> haveNoConditions() {
        return new ArchCondition<>("have no conditions on tests") {
            @Override
            public void check(JavaClass tested, ConditionEvents events) {
                Stream.concat(
                                tested.getAnnotations().stream(),
                                tested.getMethods().stream().flatMap(method -> method.getAnnotations().stream()))
                        .filter(ArchitectureTest::isCondition)
                        .forEach(annotation -> events.add(SimpleConditionEvent.violated(
                                tested, tested.getName() + " has " + annotation.getDescription())));
            }
        };
    }

    private static boolean isCondition(JavaAnnotation<?> annotation) {
        JavaClass type = annotation.getRawType();
        return type.getPackageName().startsWith("org.junit")
                && (type.getSimpleName().startsWith("Disabled")
                        || type.getSimpleName().startsWith("Enabled"));
    }
}
