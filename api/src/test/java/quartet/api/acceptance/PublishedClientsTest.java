package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

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
    if (!NodePrograms.exists("python3")) {
      NodePrograms.skip("PublishedClientsTest", "python3 is not installed");
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
    return result(
        "node",
        script(name, NodePrograms.installed("PublishedClientsTest", "npm-clients", PACKAGES)));
  }

  private JsonNode result(String program, Path script) throws IOException {
    String address = "127.0.0.1:" + java.util.Objects.requireNonNull(started).port();
    return NodePrograms.result(script, RUN_PATIENCE, program, address, workflow.toString());
  }

  private static Path script(String name, Path folder) throws IOException {
    Path script = folder.resolve(name);
    Path source =
        ServerProcess.repository().resolve("api/src/test/resources/clients").resolve(name);
    return Files.copy(source, script, StandardCopyOption.REPLACE_EXISTING);
  }
}
