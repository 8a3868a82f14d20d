package dev.sallyport.acceptance.house;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.util.List;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;

/** The house's rules, checked on the compiled classes: imports run downwards only, classes are closed unless made for extension. */
final class HouseTest {
    /** Each module's packages with all that it may use, in the order of the house. */
    private record Floor(String name, List<String> mayUse) {}

    private static final List<Floor> HOUSE = List.of(
            new Floor("model", List.of()),
            new Floor("provider", List.of("model")),
            new Floor("agentapi", List.of("model", "provider")),
            new Floor("agent", List.of("model", "provider", "agentapi")),
            new Floor("image", List.of("model", "provider")),
            new Floor("diagnosis", List.of("model")),
            new Floor("machine", List.of("model", "image", "agentapi", "provider", "diagnosis")),
            new Floor("vault", List.of("model")),
            new Floor("relay", List.of("model")),
            new Floor("egress", List.of("model")),
            new Floor(
                    "controller",
                    List.of(
                            "model",
                            "provider",
                            "agentapi",
                            "image",
                            "diagnosis",
                            "machine",
                            "vault",
                            "relay",
                            "egress")),
            new Floor(
                    "cli",
                    List.of("model", "provider", "agentapi", "image", "diagnosis", "machine", "controller", "vault")),
            new Floor(
                    "acceptance",
                    List.of(
                            "model",
                            "provider",
                            "agentapi",
                            "image",
                            "diagnosis",
                            "machine",
                            "controller",
                            "cli",
                            "vault")),
            new Floor("bench", List.of("model", "agentapi", "image", "machine", "relay", "controller", "cli")));

    private static JavaClasses all;

    @BeforeAll
    static void importClasses() {
        all = new ClassFileImporter()
                .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
                .importPackages("dev.sallyport");
    }

    @TestFactory
    List<DynamicTest> importsRunDownwardsOnly() {
        return HOUSE.stream()
                .map(floor -> DynamicTest.dynamicTest(
                        floor.name(),
                        () -> noClasses()
                                .that()
                                .resideInAPackage(packageOf(floor.name()))
                                .should()
                                .dependOnClassesThat(outside(floor))
                                .check(all)))
                .toList();
    }

    @Test
    void everyPackageHasAFloor() {
        assertThat(all.stream().map(one -> floorOf(one)).distinct())
                .containsExactlyInAnyOrderElementsOf(
                        HOUSE.stream().map(Floor::name).toList());
    }

    @Test
    void driversAreKnownOnlyWhereTheyAreWired() {
        // The bench compares a driver with its hypervisor alone.
        noClasses()
                .that()
                .resideOutsideOfPackages("dev.sallyport.machine..", "dev.sallyport.bench.machines..")
                .and()
                .doNotHaveFullyQualifiedName("dev.sallyport.controller.Controller")
                .and()
                .doNotHaveFullyQualifiedName("dev.sallyport.cli.doctor.DoctorVerb")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.sallyport.machine.qemu..")
                .check(all);
    }

    @Test
    void classesAreClosedUnlessTheyAreMadeForExtension() {
        classes()
                .that()
                .areNotInterfaces()
                .and()
                .areNotAnonymousClasses()
                .and()
                .areNotEnums()
                .should()
                .haveModifier(JavaModifier.FINAL)
                .orShould()
                .haveModifier(JavaModifier.ABSTRACT)
                .check(all);
    }

    private static String floorOf(JavaClass one) {
        String below = one.getPackageName().substring("dev.sallyport.".length()) + ".";
        return below.substring(0, below.indexOf('.'));
    }

    private static String packageOf(String name) {
        return "dev.sallyport." + name + "..";
    }

    private static DescribedPredicate<JavaClass> outside(Floor floor) {
        return DescribedPredicate.describe("live on a floor that " + floor.name() + " may not use", used -> {
            if (!used.getPackageName().startsWith("dev.sallyport.")) {
                return false;
            }
            String on = floorOf(used);
            return !on.equals(floor.name()) && !floor.mayUse().contains(on);
        });
    }
}
