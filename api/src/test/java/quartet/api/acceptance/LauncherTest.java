package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The script {@code quartet} with a pretended Java: when it starts a server again, and when not.
 */
final class LauncherTest {
  /** A copy of the script that finds nothing to build, and a Java that does what the test says. */
  private static Path script(Path home, String java) throws IOException {
    Path source = ServerProcess.repository();
    Files.createDirectories(home.resolve(".mvn"));
    Files.copy(source.resolve(".mvn/jdk.sh"), home.resolve(".mvn/jdk.sh"));
    Path script =
        Files.copy(
            source.resolve("quartet"), home.resolve("quartet"), StandardCopyOption.COPY_ATTRIBUTES);
    for (String folder : List.of("modules", "engine", "cluster", "api/target", "jdk/bin")) {
      Files.createDirectories(home.resolve(folder));
    }
    Path launch = Files.createDirectories(home.resolve("config/launch"));
    Files.copy(source.resolve("config/launch/launch.sh"), launch.resolve("launch.sh"));
    Files.writeString(home.resolve("pom.xml"), "");
    Files.writeString(home.resolve("api/target/quartet.jar"), "");
    Files.writeString(home.resolve("jdk/release"), "JAVA_VERSION=\"25.0.1\"\n");
    for (String program : List.of("java", "javac")) {
      Path file = home.resolve("jdk/bin").resolve(program);
      Files.writeString(file, "#!/bin/bash\n" + java);
      assertThat(file.toFile().setExecutable(true)).isTrue();
    }
    Files.writeString(home.resolve("api/target/.quartet-built"), "");
    return script;
  }

  private static Process start(Path home, Path script, String... arguments) throws IOException {
    List<String> command = new java.util.ArrayList<>(List.of(script.toString()));
    command.addAll(List.of(arguments));
    ProcessBuilder builder =
        new ProcessBuilder(command)
            .redirectErrorStream(true)
            .redirectOutput(home.resolve("out").toFile());
    builder.environment().put("QUARTET_JAVA_HOME", home.resolve("jdk").toString());
    return builder.start();
  }

  private static int exit(Process process) throws InterruptedException {
    assertThat(process.waitFor(60, TimeUnit.SECONDS)).isTrue();
    return process.exitValue();
  }

  private static String count(Path home) {
    return "echo x >> '%s'; n=$(wc -l < '%s')\n"
        .formatted(home.resolve("starts"), home.resolve("starts"));
  }

  @Test
  void aLostGpuStartsTheServerAgainAndAnyOtherEndDoesNot(@TempDir Path home) throws Exception {
    Path script = script(home, count(home) + "[ $n -ge 3 ] && exit 7; exit 86\n");
    Process server = start(home, script, "serve", "--port", "1");
    assertThat(exit(server)).isEqualTo(7);
    assertThat(Files.readAllLines(home.resolve("starts"))).hasSize(3);
    assertThat(Files.readString(home.resolve("out"), StandardCharsets.UTF_8))
        .contains("starting a new one in 1 s", "starting a new one in 2 s");
  }

  @Test
  void otherCommandsAreStartedOnce(@TempDir Path home) throws Exception {
    Path script = script(home, count(home) + "exit 86\n");
    assertThat(exit(start(home, script, "run", "x.json"))).isEqualTo(86);
    assertThat(Files.readAllLines(home.resolve("starts"))).hasSize(1);
  }

  @Test
  void aSignalReachesTheServerAndItsEndIsTheEnd(@TempDir Path home) throws Exception {
    Path script =
        script(
            home,
            count(home)
                + "trap 'echo stopped; exit 143' TERM\necho up\nwhile :; do sleep 0.1; done\n");
    Process server = start(home, script, "serve");
    while (!Files.readString(home.resolve("out")).contains("up")) {
      assertThat(server.isAlive()).isTrue();
      Thread.onSpinWait();
    }
    server.destroy();
    assertThat(exit(server)).isEqualTo(143);
    assertThat(Files.readString(home.resolve("out"))).contains("stopped");
    assertThat(Files.readAllLines(home.resolve("starts"))).hasSize(1);
  }
}
