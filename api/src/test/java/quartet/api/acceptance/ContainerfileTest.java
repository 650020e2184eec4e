package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.FileSystems;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The Containerfile fits the archive that it is made from. No engine is asked: few machines have
 * one.
 */
final class ContainerfileTest {
  private static final Path HOME = ServerProcess.repository();

  /** Instructions, each on one line. */
  private static List<String> instructions() throws IOException {
    return Files.readString(HOME.resolve("Containerfile"))
        .replaceAll("(?m)^#.*\\n", "")
        .replaceAll("\\\\\\n", " ")
        .lines()
        .filter(line -> !line.isBlank())
        .toList();
  }

  private static String one(String keyword) throws IOException {
    List<String> found =
        instructions().stream().filter(line -> line.startsWith(keyword + " ")).toList();
    assertThat(found).as(keyword).hasSize(1);
    return found.getFirst().substring(keyword.length() + 1).strip();
  }

  @Test
  void whatIsAddedIsWhatPackagingMakes() throws IOException {
    String script = Files.readString(HOME.resolve("tools/dist/package.sh"));
    assertThat(script)
        .contains("name=\"quartet-$version-linux-x86_64\"")
        .contains("-czf \"$work/$name.tar.gz\"")
        .contains("work=\"$target/dist\"");
    String source = one("ADD").split(" ", -1)[0];
    Path made = Path.of("api/target/dist/quartet-0.1.0-SNAPSHOT-linux-x86_64.tar.gz");
    assertThat(FileSystems.getDefault().getPathMatcher("glob:" + source).matches(made)).isTrue();
    List<String> let = Files.readAllLines(HOME.resolve(".dockerignore"));
    assertThat(let).contains("*", "!api/target/dist/*.tar.gz");
  }

  @Test
  void whatIsStartedIsInTheArchive() throws IOException {
    String script = Files.readString(HOME.resolve("tools/dist/package.sh"));
    assertThat(one("ENTRYPOINT")).startsWith("[\"/opt/quartet/start_multi_gpu.sh\"");
    assertThat(script).contains("cp \"$root/start_multi_gpu.sh\" \"$out/\"");
    assertThat(script).contains("quartet-demo.safetensors\" \"$out/models/checkpoints/\"");
    assertThat(String.join("\n", instructions()))
        .contains("/opt/quartet/models/checkpoints/quartet-demo.safetensors");
  }

  @Test
  void itFollowsTheUsualRules() throws IOException {
    assertThat(one("FROM")).as("a named version").matches("\\S+:\\S+").doesNotContain("latest");
    assertThat(one("USER")).as("no root").isEqualTo("quartet");
    assertThat(one("ENTRYPOINT")).as("signals reach the server").startsWith("[");
    String install =
        instructions().stream().filter(line -> line.contains("apt-get")).findFirst().orElseThrow();
    assertThat(install).contains("--no-install-recommends").contains("rm -rf /var/lib/apt/lists");
    // The Debian package says what the runtime needs besides libc and a shell.
    String depends =
        Pattern.compile("Depends: (.*)")
            .matcher(Files.readString(HOME.resolve("tools/dist/package.sh")))
            .results()
            .findFirst()
            .orElseThrow()
            .group(1);
    assertThat(Arrays.stream(depends.split(", ", -1)).filter(name -> name.startsWith("lib")))
        .filteredOn(name -> !name.startsWith("libc6"))
        .allSatisfy(name -> assertThat(install).contains(name));
  }
}
