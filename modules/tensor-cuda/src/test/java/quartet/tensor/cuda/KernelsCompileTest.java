package quartet.tensor.cuda;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;

/** Every kernel file for every supported architecture, where nvcc is installed. */
final class KernelsCompileTest {
  private static final List<Integer> ARCHITECTURES = List.of(80, 86, 89, 90, 120);
  private static final List<Integer> HEADS = List.of(40, 160);
  private static final long PATIENCE_SECONDS = 300;

  @TempDir Path folder;

  static Stream<Arguments> variants() {
    List<Arguments> all = new ArrayList<>();
    for (String file : List.of("norm", "elementwise", "shape", "weights", "softmax")) {
      all.add(Arguments.of(KernelLibrary.Variant.of(file, false)));
      all.add(Arguments.of(KernelLibrary.Variant.of(file, true)));
    }
    HEADS.forEach(
        head ->
            all.add(
                Arguments.of(
                    new KernelLibrary.Variant(
                        "attention",
                        head == 160,
                        List.of(new KernelLibrary.Definition("HEAD", head))))));
    for (GroupNormPlan plan :
        List.of(
            new GroupNormPlan(10, 1, 4, 256, 20),
            new GroupNormPlan(60, 2, 1, 512, 8),
            new GroupNormPlan(40, 4, 8, 1024, 3))) {
      all.add(Arguments.of(plan.variant(plan.perGroup() == 10)));
    }
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void compiles(KernelLibrary.Variant variant) throws Exception {
    String file = variant.file();
    Path source = folder.resolve(file + ".cu");
    Files.writeString(
        source, KernelLibrary.text("common.cuh") + "\n" + KernelLibrary.text(file + ".cu"));
    List<String> command = new ArrayList<>(List.of("nvcc", "--fatbin", "-std=c++17"));
    command.addAll(List.of("-Werror", "all-warnings", "--threads", "0")); // as many as processors
    for (int architecture : ARCHITECTURES) {
      command.add("-gencode");
      command.add("arch=compute_%d,code=sm_%d".formatted(architecture, architecture));
    }
    command.addAll(variant.definitions());
    command.addAll(List.of("-o", folder.resolve("out").toString(), source.toString()));
    Path log = folder.resolve("log");
    Process process;
    try {
      process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      String why = "nvcc is not installed: " + e.getMessage();
      System.out.println("SKIPPED KernelsCompileTest: " + why);
      abort(why);
      return;
    }
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).as("nvcc ended").isTrue();
    assertThat(process.exitValue()).as(Files.readString(log)).isZero();
  }
}
