package quartet.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.lang.ArchRule;
import java.util.stream.Stream;
import org.junit.jupiter.api.Named;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.api.canary.ExtendsOurClass;
import quartet.api.canary.KnowsABackend;
import quartet.engine.canary.CallsNativeCode;
import quartet.engine.canary.EngineKnowsABackend;
import quartet.engine.canary.KeepsMutableStatic;
import quartet.engine.canary.UsesAkka;
import quartet.tensor.canary.NothingAboveTensor;

/** The product keeps every rule; every rule catches the class that was written to break it. */
final class HouseRulesTest {
  private static final JavaClasses PRODUCT =
      new ClassFileImporter()
          .withImportOption(ImportOption.Predefined.DO_NOT_INCLUDE_TESTS)
          .importPackages("quartet");

  static Stream<Named<ArchRule>> rules() {
    return Stream.of(
        Named.of("Akka only in cluster and api", HouseRules.AKKA_ONLY_IN_CLUSTER_AND_API),
        Named.of("engine knows no backend", HouseRules.ENGINE_KNOWS_NO_BACKEND),
        Named.of("native calls only in backends", HouseRules.NATIVE_CALLS_ONLY_IN_BACKENDS),
        Named.of("only Main's package knows the backends", HouseRules.ONLY_MAIN_KNOWS_THE_BACKENDS),
        Named.of("no mutable statics", HouseRules.NO_MUTABLE_STATICS),
        Named.of("no inheritance", HouseRules.NO_INHERITANCE_BETWEEN_OUR_CLASSES),
        Named.of("layers", HouseRules.layers()));
  }

  @ParameterizedTest
  @MethodSource("rules")
  void productKeeps(ArchRule rule) {
    rule.check(PRODUCT);
  }

  @Test
  void productWasImported() {
    assertThat(PRODUCT.contain("quartet.engine.graph.GraphValidator")).isTrue();
    assertThat(PRODUCT.contain("quartet.tensor.cpu.CpuBackend")).isTrue();
  }

  @Test
  void canariesBreakTheirRules() {
    assertCaught(HouseRules.AKKA_ONLY_IN_CLUSTER_AND_API, UsesAkka.class);
    assertCaught(HouseRules.ENGINE_KNOWS_NO_BACKEND, EngineKnowsABackend.class);
    assertCaught(HouseRules.NATIVE_CALLS_ONLY_IN_BACKENDS, CallsNativeCode.class);
    assertCaught(HouseRules.ONLY_MAIN_KNOWS_THE_BACKENDS, KnowsABackend.class);
    assertCaught(HouseRules.NO_MUTABLE_STATICS, KeepsMutableStatic.class);
    assertCaught(HouseRules.NO_INHERITANCE_BETWEEN_OUR_CLASSES, ExtendsOurClass.class);
  }

  @Test
  void layersCatchALookUpwards() {
    JavaClasses classes =
        new ClassFileImporter()
            .importClasses(
                NothingAboveTensor.class,
                quartet.engine.value.LatentBatch.class,
                quartet.errors.EngineException.class,
                quartet.tensor.Shape.class);
    ArchRule upwards =
        com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses()
            .that()
            .resideInAPackage("quartet.tensor..")
            .should()
            .dependOnClassesThat()
            .resideInAPackage("quartet.engine..");
    assertThat(upwards.evaluate(classes).hasViolation()).isTrue();
  }

  private static void assertCaught(ArchRule rule, Class<?> canary) {
    JavaClasses classes = new ClassFileImporter().importClasses(canary);
    assertThat(rule.evaluate(classes).hasViolation())
        .as("%s must be caught by: %s", canary.getSimpleName(), rule.getDescription())
        .isTrue();
  }
}
