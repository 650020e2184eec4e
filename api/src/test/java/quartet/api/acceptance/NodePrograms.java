package quartet.api.acceptance;

import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import quartet.api.wire.Json;

/**
 * Scripts of other languages against our server, and packages from npm for them, kept below {@code
 * target}. Where a program or the registry is missing, the test that asks is skipped and says why.
 */
final class NodePrograms {
  private static final Duration INSTALL_PATIENCE = Duration.ofSeconds(90);

  private NodePrograms() {}

  /** A folder with the packages; installed once for a version list. */
  static Path installed(String test, String name, List<String> packages) throws IOException {
    if (!exists("npm") || !exists("node")) {
      skip(test, "npm and node are not installed");
    }
    Path folder = ServerProcess.repository().resolve("api/target").resolve(name);
    Path mark = folder.resolve("installed.txt");
    String versions = String.join("\n", packages);
    if (Files.exists(mark) && Files.readString(mark).equals(versions)) {
      return folder;
    }
    Files.createDirectories(folder);
    Files.writeString(folder.resolve("package.json"), "{\"name\":\"clients\",\"private\":true}");
    List<String> command =
        new ArrayList<>(
            List.of(
                "npm",
                "install",
                "--ignore-scripts",
                "--no-audit",
                "--no-fund",
                "--omit=dev",
                "--legacy-peer-deps",
                "--fetch-retries=1",
                "--fetch-timeout=20000"));
    command.addAll(packages);
    Output output = run(folder, INSTALL_PATIENCE, command);
    if (output.exit() != 0) {
      skip(test, "the packages could not be installed: " + output.text());
    }
    Files.writeString(mark, versions);
    return folder;
  }

  /** Ends the test without a verdict. */
  static void skip(String test, String why) {
    System.out.println("SKIPPED " + test + ": " + why);
    abort(why);
  }

  static boolean exists(String program) {
    try {
      return run(
                  Path.of("").toAbsolutePath(),
                  Duration.ofSeconds(20),
                  List.of(program, "--version"))
              .exit()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  /** What a script prints after {@code RESULT}; fails with all it said otherwise. */
  static JsonNode result(Path script, Duration patience, String program, String... arguments)
      throws IOException {
    List<String> command = new ArrayList<>(List.of(program, script.toString()));
    command.addAll(List.of(arguments));
    Output output = run(java.util.Objects.requireNonNull(script.getParent()), patience, command);
    String line =
        output
            .text()
            .lines()
            .filter(one -> one.startsWith("RESULT "))
            .findFirst()
            .orElseThrow(() -> new AssertionError(script + " said:\n" + output.text()));
    return Json.parse(line.substring("RESULT ".length()).getBytes(StandardCharsets.UTF_8));
  }

  private record Output(int exit, String text) {}

  private static Output run(Path folder, Duration patience, List<String> command)
      throws IOException {
    Path log = Files.createTempFile("quartet-client", ".log");
    try {
      Process process =
          new ProcessBuilder(command)
              .directory(folder.toFile())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
      boolean ended;
      try {
        ended = process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        ended = false;
      }
      if (!ended) {
        process.descendants().forEach(ProcessHandle::destroyForcibly);
        process.destroyForcibly();
        return new Output(-1, "not done after " + patience + "\n" + Files.readString(log));
      }
      return new Output(process.exitValue(), Files.readString(log));
    } finally {
      Files.deleteIfExists(log);
    }
  }
}
