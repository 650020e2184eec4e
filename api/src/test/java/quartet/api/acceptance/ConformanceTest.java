package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Rows of docs/compatibility.md that no other test has. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class ConformanceTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) {
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:1");
    opened = new Client(started);
  }

  @AfterAll
  void stop() {
    client().close();
    java.util.Objects.requireNonNull(started).close();
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  private JsonNode run(int color) {
    String prompt =
        """
        {"1": {"class_type": "EmptyImage", "_meta": {"title": "Bühne ✨"},
               "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": %d, "unknown": NaN}},
         "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "c"}}}
        """
            .formatted(color);
    return client().ended(client().accepted(prompt), PATIENCE);
  }

  private static JsonNode cached(JsonNode entry) {
    return entry.at("/status/messages/1/1/nodes");
  }

  @Test
  void nanIsAcceptedAndWhatIsNotAsciiIsEscaped() {
    run(1);
    String text = client().get("/history").text();
    assertThat(text).contains("B\\u00FChne \\u2728").doesNotContain("ü");
  }

  @Test
  void aPageOfAnotherOriginIsRefusedAndAScriptIsNot() {
    String own = java.util.Objects.requireNonNull(started).url("");
    assertThat(client().get("/queue").status()).isEqualTo(200);
    assertThat(client().get("/queue", "Origin", own).status()).isEqualTo(200);
    for (String origin :
        new String[] {"http://evil.example", "null", own.replace("127.0.0.1", "localhost")}) {
      assertThat(client().get("/queue", "Origin", origin).status()).as(origin).isEqualTo(403);
      assertThat(client().post("/prompt", "{}", "Origin", origin).status()).isEqualTo(403);
      assertThat(client().get("/ws", "Origin", origin).status()).isEqualTo(403);
    }
  }

  @Test
  void freeDropsCachedOutputs() {
    run(2);
    assertThat(cached(run(2))).hasSize(2);
    assertThat(client().post("/free", "{}").status()).isEqualTo(200);
    assertThat(cached(run(2))).as("no flag, nothing dropped").hasSize(2);
    assertThat(client().post("/free", "{\"free_memory\":true}").status()).isEqualTo(200);
    assertThat(cached(run(2))).isEmpty();
  }

  @Test
  void aCachedOutputIsInTheHistoryAlsoWithoutAClient() {
    JsonNode first = run(3);
    JsonNode second = run(3);
    assertThat(cached(second)).hasSize(2);
    assertThat(second.path("outputs")).isEqualTo(first.path("outputs"));
    assertThat(second.at("/outputs/2/images/0/filename").asText()).startsWith("c_");
    assertThat(second.at("/meta/2/real_node_id").asText()).isEqualTo("2");
  }

  @Test
  void systemStatsHaveWhatClientsRead() {
    JsonNode stats = client().get("/system_stats").json();
    for (String field :
        new String[] {
          "os",
          "ram_total",
          "ram_free",
          "comfyui_version",
          "python_version",
          "pytorch_version",
          "embedded_python",
          "argv"
        }) {
      assertThat(stats.path("system").has(field)).as(field).isTrue();
    }
    assertThat(stats.path("system").path("argv").toString()).contains("--devices");
    for (String field :
        new String[] {
          "name", "type", "index", "vram_total", "vram_free", "torch_vram_total", "torch_vram_free"
        }) {
      assertThat(stats.at("/devices/0").has(field)).as(field).isTrue();
    }
  }

  @Test
  void outputsThatAreWrongAreLeftOutAndTheOthersRun() {
    String prompt =
        """
        {"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": 5}},
         "2": {"class_type": "SaveImage", "inputs": {"images": ["1", 0], "filename_prefix": "good"}},
         "3": {"class_type": "SaveImage", "inputs": {"images": ["9", 0], "filename_prefix": "bad"}}}
        """;
    Client.Answer answer = client().post("/prompt", prompt);
    assertThat(answer.status()).isEqualTo(200);
    assertThat(answer.json().at("/node_errors/3/errors/0/type").asText())
        .isEqualTo("bad_linked_input");
    JsonNode entry = client().ended(answer.json().path("prompt_id").asText(), PATIENCE);
    assertThat(entry.path("outputs").has("2")).isTrue();
    assertThat(entry.path("outputs").has("3")).isFalse();
    assertThat(entry.at("/status/status_str").asText()).isEqualTo("success");
  }
}
