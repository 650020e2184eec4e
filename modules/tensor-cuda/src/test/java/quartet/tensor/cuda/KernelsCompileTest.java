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
      all.add(Arguments.of(file, false, 0));
      all.add(Arguments.of(file, true, 0));
    }
    HEADS.forEach(head -> all.add(Arguments.of("attention", head == 160, head)));
    return all.stream();
  }

  @ParameterizedTest
  @MethodSource("variants")
  void compiles(String file, boolean bfloat, int head) throws Exception {
    Path source = folder.resolve(file + ".cu");
    Files.writeString(
        source, KernelLibrary.text("common.cuh") + "\n" + KernelLibrary.text(file + ".cu"));
    List<String> command = new ArrayList<>(List.of("nvcc", "--fatbin", "-std=c++17", "-Werror"));
    command.add("all-warnings");
    for (int architecture : ARCHITECTURES) {
      command.add("-gencode");
      command.add("arch=compute_%d,code=sm_%d".formatted(architecture, architecture));
    }
    command.addAll(new KernelLibrary.Variant(file, bfloat, head).definitions());
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
