package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/**
 * Client packages that people use, unchanged, against this server. They come from the npm registry
 * and are kept below {@code target}; where npm, node or the registry is missing, their tests are
 * skipped and say so.
 */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PublishedClientsTest {
  private static final List<String> PACKAGES =
      List.of(
          "comfy-ui-client@0.1.2",
          "@saintno/comfyui-sdk@0.3.1",
          "@stable-canvas/comfyui-client@1.5.9",
          "ws@8.18.0");
  private static final Duration INSTALL_PATIENCE = Duration.ofSeconds(90);
  private static final Duration RUN_PATIENCE = Duration.ofMinutes(3);

  private @Nullable ServerProcess started;
  private Path folder = Path.of("");
  private Path workflow = Path.of("");

  @BeforeAll
  void start(@TempDir Path base) throws IOException {
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:1", "--preview-method", "auto");
    folder = base;
    workflow = base.resolve("workflow.json");
    Files.writeString(workflow, Client.quick(4711));
  }

  @AfterAll
  void stop() {
    java.util.Objects.requireNonNull(started).close();
  }

  @Test
  void comfyUiClient() throws IOException {
    JsonNode result = npm("comfy-ui-client.mjs");
    uploadedCopiedAndCancelled(result);
    assertThat(result.path("version").asText()).isNotEmpty();
  }

  @Test
  void comfyUiSdkAlsoWhenTheResultIsCached() throws IOException {
    JsonNode result = npm("comfyui-sdk.mjs");
    uploadedCopiedAndCancelled(result);
    assertThat(result.path("progress").asInt()).isPositive();
    assertThat(result.path("again").asInt()).isEqualTo(result.path("size").asInt());
    assertThat(result.path("checkpoints").path(0).asText()).endsWith(".safetensors");
  }

  @Test
  void stableCanvasClientAlsoWhenItPostsBeforeItListens() throws IOException {
    JsonNode result = npm("stable-canvas.mjs");
    uploadedCopiedAndCancelled(result);
    assertThat(result.path("again").asInt()).isEqualTo(result.path("size").asInt());
    assertThat(result.path("early").asInt()).isEqualTo(result.path("size").asInt());
    assertThat(result.path("steps").asInt()).isPositive();
    assertThat(result.path("models").path(0).asText()).endsWith(".safetensors");
  }

  @Test
  void scriptsInTheMannerOfTheApiExamples() throws IOException {
    if (!exists("python3")) {
      skip("python3 is not installed");
    }
    JsonNode result = result("python3", script("websockets_api.py", folder));
    assertThat(result.path("size").asInt()).isPositive();
    assertThat(result.path("pictures").asInt()).isPositive();
  }

  private static void uploadedCopiedAndCancelled(JsonNode result) {
    assertThat(result.path("size").asInt()).isPositive();
    assertThat(result.path("copy").asInt()).isPositive();
    assertThat(result.path("cancelled").asBoolean()).isTrue();
  }

  private JsonNode npm(String name) throws IOException {
    return result("node", script(name, installed()));
  }

  private JsonNode result(String program, Path script) throws IOException {
    String address = "127.0.0.1:" + java.util.Objects.requireNonNull(started).port();
    Output output =
        run(
            java.util.Objects.requireNonNull(script.getParent()),
            RUN_PATIENCE,
            program,
            script.toString(),
            address,
            workflow.toString());
    String line =
        output
            .text()
            .lines()
            .filter(one -> one.startsWith("RESULT "))
            .findFirst()
            .orElseThrow(() -> new AssertionError(script + " said:\n" + output.text()));
    return Json.parse(line.substring("RESULT ".length()).getBytes(StandardCharsets.UTF_8));
  }

  private static Path script(String name, Path folder) throws IOException {
    Path script = folder.resolve(name);
    Path source =
        ServerProcess.repository().resolve("api/src/test/resources/clients").resolve(name);
    return Files.copy(source, script, StandardCopyOption.REPLACE_EXISTING);
  }

  /** A folder with the packages; installed once for a version list. */
  private static Path installed() throws IOException {
    if (!exists("npm") || !exists("node")) {
      skip("npm and node are not installed");
    }
    Path folder = ServerProcess.repository().resolve("api/target/npm-clients");
    Path mark = folder.resolve("installed.txt");
    String versions = String.join("\n", PACKAGES);
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
    command.addAll(PACKAGES);
    Output output = run(folder, INSTALL_PATIENCE, command.toArray(String[]::new));
    if (output.exit() != 0) {
      skip("the packages could not be installed: " + output.text());
    }
    Files.writeString(mark, versions);
    return folder;
  }

  private static void skip(String why) {
    System.out.println("SKIPPED PublishedClientsTest: " + why);
    abort(why);
  }

  private static boolean exists(String program) {
    try {
      return run(Path.of("").toAbsolutePath(), Duration.ofSeconds(20), program, "--version").exit()
          == 0;
    } catch (IOException e) {
      return false;
    }
  }

  private record Output(int exit, String text) {}

  private static Output run(Path folder, Duration patience, String... command) throws IOException {
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
        process.destroyForcibly();
        return new Output(-1, "not done after " + patience + "\n" + Files.readString(log));
      }
      return new Output(process.exitValue(), Files.readString(log));
    } finally {
      Files.deleteIfExists(log);
    }
  }
}
