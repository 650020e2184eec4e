package quartet.architecture;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.fields;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.Architectures.layeredArchitecture;

import com.tngtech.archunit.base.DescribedPredicate;
import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.lang.ArchCondition;
import com.tngtech.archunit.lang.ArchRule;
import com.tngtech.archunit.lang.ConditionEvents;
import com.tngtech.archunit.lang.SimpleConditionEvent;
import java.util.Map;

/** Who may know whom. Each rule has a canary that breaks it: {@link HouseRulesTest}. */
final class HouseRules {
  static final ArchRule AKKA_ONLY_IN_CLUSTER_AND_API =
      noClasses()
          .that()
          .resideOutsideOfPackages("quartet.cluster..", "quartet.api..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("akka..")
          .because("the engine must be usable without actors, and Akka replaceable in two places");

  static final ArchRule ENGINE_KNOWS_NO_BACKEND =
      noClasses()
          .that()
          .resideInAnyPackage("quartet.engine..", "quartet.cluster..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("quartet.tensor.cpu..", "quartet.cuda..", "quartet.tensor.cuda..")
          .because("the engine knows the Backend interface, never a backend");

  static final ArchRule NATIVE_CALLS_ONLY_IN_BACKENDS =
      noClasses()
          .that()
          .resideOutsideOfPackages("quartet.cuda..", "quartet.tensor.cpu..")
          .should()
          .dependOnClassesThat(
              describe(
                  "call native code",
                  type ->
                      type.getName().startsWith("org.bytedeco.")
                          || type.getName().startsWith("jcuda.")
                          || type.getName().equals("java.lang.foreign.Linker")))
          .because("native memory and native calls have two rooms of their own");

  static final ArchRule ONLY_MAIN_KNOWS_THE_BACKENDS =
      noClasses()
          .that()
          .resideInAPackage("quartet.api..")
          .and()
          .resideOutsideOfPackages("quartet.api")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage("quartet.tensor.cpu..", "quartet.cuda..", "quartet.tensor.cuda..")
          .because("backends are wired in one place");

  static final ArchRule NO_MUTABLE_STATICS =
      fields()
          .that()
          .areStatic()
          .and()
          .areDeclaredInClassesThat()
          .resideInAPackage("quartet..")
          .should()
          .beFinal()
          .because("state belongs to an object with an owner");

  static final ArchRule NO_INHERITANCE_BETWEEN_OUR_CLASSES =
      classes()
          .that()
          .resideInAPackage("quartet..")
          .should(notExtendOurClasses())
          .because("we compose; interfaces and sealed types are enough");

  private HouseRules() {}

  /** Left may be used by right, as docs/architecture.md draws it. */
  static ArchRule layers() {
    var layers =
        layeredArchitecture()
            .consideringOnlyDependenciesInAnyPackage("quartet..")
            .layer("errors")
            .definedBy("quartet.errors..")
            .layer("tensor")
            .definedBy("quartet.tensor")
            .layer("tensor-cpu")
            .definedBy("quartet.tensor.cpu..")
            .layer("cuda")
            .definedBy("quartet.cuda..")
            .layer("tensor-cuda")
            .definedBy("quartet.tensor.cuda..")
            .layer("safetensors")
            .definedBy("quartet.safetensors..")
            .layer("tokenizer")
            .definedBy("quartet.tokenizer..")
            .layer("rng")
            .definedBy("quartet.rng..")
            .layer("image")
            .definedBy("quartet.image..")
            .layer("engine")
            .definedBy("quartet.engine..")
            .layer("cluster")
            .definedBy("quartet.cluster..")
            .layer("api")
            .definedBy("quartet.api..");
    for (Map.Entry<String, String[]> user :
        Map.of(
                "tensor-cpu", new String[] {"api"},
                "cuda", new String[] {"tensor-cuda", "api"},
                "tensor-cuda", new String[] {"api"},
                "safetensors", new String[] {"engine", "cluster", "api"},
                "tokenizer", new String[] {"engine"},
                "rng", new String[] {"engine"},
                "image", new String[] {"engine", "api"},
                "engine", new String[] {"cluster", "api"},
                "cluster", new String[] {"api"})
            .entrySet()) {
      layers = layers.whereLayer(user.getKey()).mayOnlyBeAccessedByLayers(user.getValue());
    }
    return layers
        .whereLayer("api")
        .mayNotBeAccessedByAnyLayer()
        .whereLayer("errors")
        .mayNotAccessAnyLayer()
        .whereLayer("tensor")
        .mayOnlyAccessLayers("errors");
  }

  private static ArchCondition<JavaClass> notExtendOurClasses() {
    DescribedPredicate<JavaClass> ours =
        describe("one of ours", type -> type.getPackageName().startsWith("quartet"));
    return new ArchCondition<>("not extend one of our classes") {
      @Override
      public void check(JavaClass type, ConditionEvents events) {
        type.getRawSuperclass()
            .filter(ours)
            .ifPresent(
                parent ->
                    events.add(
                        SimpleConditionEvent.violated(
                            type, type.getName() + " extends " + parent.getName())));
      }
    };
  }
}
