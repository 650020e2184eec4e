package quartet.architecture;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.File;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Predicate;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The compiler settings of the parent pom refuse what they should: each canary is compiled with the
 * very arguments that the build uses, and must fail for its own reason.
 */
final class CompilerChecksTest {
  private static final Pattern ARGUMENT = Pattern.compile("<arg>(.*?)</arg>");

  @Test
  void aNullDereferenceDoesNotCompile(@TempDir Path folder)
      throws IOException, InterruptedException {
    assertThat(
            compile(
                folder,
                """
                @org.jspecify.annotations.NullMarked
                final class Canary {
                  static int length(@org.jspecify.annotations.Nullable String text) {
                    return text.length();
                  }
                }
                """))
        .contains("[NullAway]");
  }

  @Test
  void aWarningOfErrorProneDoesNotCompile(@TempDir Path folder)
      throws IOException, InterruptedException {
    assertThat(
            compile(
                folder,
                """
                final class Canary {
                  static int mix(int a) {
                    return a >>> 1 | a & 1;
                  }
                }
                """))
        .contains("[OperatorPrecedence]")
        .contains("-Werror");
  }

  @Test
  void aRawTypeDoesNotCompile(@TempDir Path folder) throws IOException, InterruptedException {
    assertThat(compile(folder, "final class Canary { java.util.List list; }"))
        .contains("[rawtypes]");
  }

  @Test
  void harmlessCodeCompiles(@TempDir Path folder) throws IOException, InterruptedException {
    assertThat(compile(folder, "final class Canary { private Canary() {} }")).isEmpty();
  }

  /** What javac says, empty if it is content. */
  private static String compile(Path folder, String source)
      throws IOException, InterruptedException {
    Path file = Files.writeString(folder.resolve("Canary.java"), "package canary;\n" + source);
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "javac").toString());
    for (String line : Files.readAllLines(repository().resolve(".mvn/jvm.config"))) {
      command.add("-J" + line);
    }
    Matcher arguments =
        ARGUMENT.matcher(Files.readString(repository().resolve("pom.xml"), StandardCharsets.UTF_8));
    while (arguments.find()) {
      command.add(arguments.group(1));
    }
    assertThat(command).as("arguments were found in the pom").anyMatch(a -> a.contains("NullAway"));
    // Only what the compiler and the canaries need: javac warns of gaps in a path, and a warning is
    // an error.
    String processors = elements(path -> path.endsWith(".jar") && !path.contains("bytedeco"));
    String annotations = elements(path -> path.contains("jspecify"));
    command.addAll(List.of("-processorpath", processors, "-classpath", annotations));
    command.addAll(List.of("-d", folder.toString(), file.toString()));
    Process javac =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(new File(folder.toFile(), "javac.log"))
            .start();
    int exit = javac.waitFor();
    String text = Files.readString(folder.resolve("javac.log"), StandardCharsets.UTF_8);
    return exit == 0 ? "" : text + "(exit " + exit + ")";
  }

  private static String elements(Predicate<String> wanted) {
    return Stream.of(System.getProperty("java.class.path").split(File.pathSeparator, -1))
        .filter(wanted)
        .collect(Collectors.joining(File.pathSeparator));
  }

  private static Path repository() {
    Path folder = Path.of("").toAbsolutePath();
    while (!Files.exists(folder.resolve("start_multi_gpu.sh"))) {
      folder = java.util.Objects.requireNonNull(folder.getParent(), "not inside the repository");
    }
    return folder;
  }
}
