package io.kloigos.http;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Only the command knows both the HTTP API and how hosts are reached. */
class BoundariesTest {
    private static final JavaClasses MAIN = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("io.kloigos.http", "io.kloigos.command");

    @Test
    void onlyTheCommandKnowsDriversAndFakes() {
        assertThat(MAIN.containPackage("io.kloigos.command")).isTrue();
        noClasses()
                .that()
                .resideInAPackage("io.kloigos.http")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("io.kloigos.driver..", "io.kloigos.testkit..", "io.kloigos.command..")
                .check(MAIN);
    }

    @Test
    void theProgramNeedsNoTestFramework() {
        noClasses()
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage("org.junit..", "org.assertj..")
                .check(MAIN);
    }
}
