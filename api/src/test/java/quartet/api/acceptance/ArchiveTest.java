package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The archive on a machine without Java: unpacked into a fresh folder, started where no Java can be
 * reached, and used through its page. The archive is made by {@code ./mvnw -Pdist package}; where
 * it was not, or mounts are not allowed, the test is skipped and says so.
 */
final class ArchiveTest {
  private static final String NO_JAVA =
      """
      for place in /usr/lib/jvm /usr/java /opt/java; do
        if [ -d "$place" ]; then mount --bind "$0" "$place" || exit 9; fi
      done
      exec env -i PATH=/usr/bin:/bin "$@"
      """;

  @Test
  void runsWithoutJavaAndItsPageDoesTheWorkOfADay(@TempDir Path folder) throws Exception {
    Path home = unpacked(folder);
    Path nothing = Files.createDirectories(folder.resolve("nothing"));
    assertThat(output(without(nothing, "sh", "-c", "java -version")))
        .as("no Java is reachable")
        .doesNotContain("version \"");
    DashboardDay day = DashboardDay.in("ArchiveTest", home);
    long began = System.nanoTime();
    try (ServerProcess server =
            ServerProcess.start(
                home,
                without(nothing, "./bin/quartet", "serve", "--port", "0", "--devices", "cpu:4"));
        Client client = new Client(server)) {
      assertThat(client.get("/system_stats").json().at("/system/python_version").asText())
          .contains("Java 25");
      System.out.printf(
          "ArchiveTest: first answer %d ms after the command%n",
          (System.nanoTime() - began) / 1_000_000);
      assertThat(client.get("/").text()).contains("<title>Quartet</title>");
      day.spendOn(server);
    }
  }

  private static Path unpacked(Path folder) throws Exception {
    Path dist = ServerProcess.repository().resolve("api/target/dist");
    Optional<Path> archive = Optional.empty();
    if (Files.isDirectory(dist)) {
      try (Stream<Path> files = Files.list(dist)) {
        archive = files.filter(file -> file.toString().endsWith(".tar.gz")).findFirst();
      }
    }
    if (archive.isEmpty()) {
      NodePrograms.skip("ArchiveTest", "no archive in api/target/dist; ./mvnw -Pdist package");
    }
    Path nothing = Files.createDirectories(folder.resolve("nothing"));
    if (!output(without(nothing, "echo", "may")).contains("may")) {
      NodePrograms.skip("ArchiveTest", "this user may not mount, so Java cannot be hidden");
    }
    assertThat(output(List.of("tar", "-C", folder.toString(), "-xzf", archive.get().toString())))
        .isEmpty();
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().startsWith("quartet-"))
          .findFirst()
          .orElseThrow();
    }
  }

  /** The command with empty folders where Java is installed, and an environment without it. */
  private static List<String> without(Path nothing, String... command) {
    List<String> whole =
        new ArrayList<>(List.of("unshare", "--mount", "bash", "-c", NO_JAVA, nothing.toString()));
    whole.addAll(List.of(command));
    return whole;
  }

  private static String output(List<String> command) throws IOException, InterruptedException {
    Path log = Files.createTempFile("quartet-archive", ".log");
    try {
      Process process =
          new ProcessBuilder(command)
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      assertThat(process.waitFor(5, TimeUnit.MINUTES)).as("%s", command).isTrue();
      return Files.readString(log);
    } finally {
      Files.deleteIfExists(log);
    }
  }
}
