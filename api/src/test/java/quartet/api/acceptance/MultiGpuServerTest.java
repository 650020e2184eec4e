package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.MethodOrderer;
import org.junit.jupiter.api.Order;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.TestMethodOrder;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/** The operators' steps 1, 2, 5.1 and 5.3 on four CPU devices of one process. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
@TestMethodOrder(MethodOrderer.OrderAnnotation.class)
final class MultiGpuServerTest {
  private static final Duration PROMPT_PATIENCE = Duration.ofMinutes(2);

  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) {
    Map<String, String> environment = new HashMap<>(ServerProcess.HEAP_TOUCHED);
    environment.putAll(Map.of("COMFY_MULTI_GPU_SCHED", "1", "COMFY_NUM_GPUS", "4"));
    started = ServerProcess.start(base, environment);
    opened = new Client(started);
  }

  @AfterAll
  void stop() {
    client().close();
    server().close();
  }

  private ServerProcess server() {
    return java.util.Objects.requireNonNull(started);
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  @Test
  @Order(1)
  void startUpReadsAsOperatorsKnowIt() throws IOException {
    List<String> expected = new ArrayList<>();
    expected.add("✅ Multi-GPU scheduling ENABLED");
    expected.add("🚀 Multi-GPU mode ENABLED with 4 GPUs");
    expected.add("📋 Created 4 task queues for multi-GPU scheduling");
    for (int gpu = 0; gpu < 4; gpu++) {
      expected.add("🚀 Started worker thread for GPU " + gpu);
    }
    for (int gpu = 0; gpu < 4; gpu++) {
      expected.add("🔥 [GPU " + gpu + "] Starting warmup...");
      expected.add("✅ [GPU " + gpu + "] Warmup completed");
    }
    expected.add("🔍 Checking custom nodes compatibility...");
    expected.add("✅ No obvious device hardcoding detected");
    assertThat(messages(server().log())).containsSubsequence(expected);
    try (Stream<Path> logs = Files.list(server().base().resolve("logs"))) {
      Path file = logs.findFirst().orElseThrow();
      assertThat(file.getFileName().toString()).matches("comfyui_\\d{8}_\\d{6}\\.log");
      String text = Files.readString(file);
      assertThat(expected).allSatisfy(line -> assertThat(text).contains(line));
    }
  }

  /** Lines without their time and level. */
  private static List<String> messages(List<String> log) {
    return log.stream().map(line -> line.replaceFirst("^[-0-9]+ [:.0-9]+ [A-Z]+ +", "")).toList();
  }

  @Test
  @Order(2)
  void pageAndEmptyQueues() throws IOException {
    Client.Answer page = client().get("/");
    assertThat(page.status()).isEqualTo(200);
    assertThat(page.text()).containsIgnoringCase("<!doctype html>").contains("Quartet");
    JsonNode expected =
        Json.parse(
            """
            {"queues": [
              {"gpu_id": 0, "queue_running": [], "queue_pending": [], "running_count": 0, "pending_count": 0},
              {"gpu_id": 1, "queue_running": [], "queue_pending": [], "running_count": 0, "pending_count": 0},
              {"gpu_id": 2, "queue_running": [], "queue_pending": [], "running_count": 0, "pending_count": 0},
              {"gpu_id": 3, "queue_running": [], "queue_pending": [], "running_count": 0, "pending_count": 0}],
             "total_running": 0, "total_pending": 0}
            """
                .getBytes(StandardCharsets.UTF_8));
    assertThat(client().get("/queue/all").json()).isEqualTo(expected);
    assertThat(client().get("/api/queue/all").json()).isEqualTo(expected);
  }

  @Test
  @Order(3)
  void memoryHoldsOneCopyForAllDevices() throws IOException {
    String guide = Json.text(Client.workflow(Map.of("3.steps", 2)));
    runOn(0, guide);
    long one = residentKilobytes();
    for (int gpu = 1; gpu < 4; gpu++) {
      runOn(gpu, guide);
    }
    long four = residentKilobytes();
    assertThat((four - one) / (double) one)
        .as("RSS %d kB after GPU 0, %d kB after all four", one, four)
        .isLessThan(0.10);
    long mappings =
        Files.readAllLines(Path.of("/proc", Long.toString(server().pid()), "maps")).stream()
            .filter(line -> line.endsWith("quartet-demo.safetensors"))
            .peek(line -> assertThat(line).contains(" r--s "))
            .count();
    assertThat(mappings).as("mappings of the checkpoint").isEqualTo(1);
    assertThat(server().text().split("mapped once for all devices", -1)).hasSize(2);
  }

  private void runOn(int gpu, String body) {
    String id = client().accepted(body, "X-TARGET-GPU", Integer.toString(gpu));
    assertThat(client().ended(id, PROMPT_PATIENCE).path("status").path("completed").asBoolean())
        .isTrue();
  }

  private long residentKilobytes() throws IOException {
    for (String line :
        Files.readAllLines(Path.of("/proc", Long.toString(server().pid()), "status"))) {
      if (line.startsWith("VmRSS:")) {
        return Long.parseLong(line.replaceAll("\\D", ""));
      }
    }
    throw new IOException("no VmRSS");
  }

  @Test
  @Order(4)
  void bareAndWrappedPromptsRunOnTheNamedGpu() {
    for (int gpu = 0; gpu < 4; gpu++) {
      String target = Integer.toString(gpu);
      String bare =
          client()
              .accepted(
                  Client.quick(100 + gpu),
                  "X-TARGET-GPU",
                  target,
                  "Content-Type",
                  "application/json");
      String wrapped =
          client()
              .accepted(
                  "{\"prompt\": " + Client.quick(200 + gpu) + "}",
                  "X-TARGET-GPU",
                  target,
                  "Content-Type",
                  "application/x-www-form-urlencoded");
      for (String id : List.of(bare, wrapped)) {
        String executed = "✅ \\[GPU " + gpu + "\\] Prompt " + id + " executed in \\d+\\.\\d\\ds";
        JsonNode entry = client().ended(id, PROMPT_PATIENCE);
        assertThat(entry.path("status").path("status_str").asText()).isEqualTo("success");
        JsonNode image = entry.path("outputs").path("9").path("images").path(0);
        Client.Answer view =
            client()
                .get(
                    "/view?filename=%s&subfolder=%s&type=%s"
                        .formatted(
                            image.path("filename").asText(),
                            image.path("subfolder").asText(),
                            image.path("type").asText()));
        assertThat(view.status()).isEqualTo(200);
        assertThat(view.response().headers().firstValue("content-type")).contains("image/png");
        assertThat(view.bytes()).startsWith(0x89, 'P', 'N', 'G');
        assertThat(messages(server().log()))
            .contains("Routing prompt " + id + " to GPU " + gpu)
            .anyMatch(line -> line.matches(executed));
      }
      assertThat(messages(server().log()))
          .contains("🔧 [GPU " + gpu + "] Worker started on cpu:" + gpu);
    }
  }

  @Test
  @Order(5)
  void sameSeedSamePictureOnEveryGpu() {
    List<byte[]> pictures = new ArrayList<>();
    for (int gpu = 0; gpu < 4; gpu++) {
      String id = client().accepted(Client.quick(4242), "X-TARGET-GPU", Integer.toString(gpu));
      String name = client().ended(id, PROMPT_PATIENCE).at("/outputs/9/images/0/filename").asText();
      pictures.add(client().get("/view?filename=" + name).bytes());
    }
    assertThat(pictures).allSatisfy(one -> assertThat(one).isEqualTo(pictures.getFirst()));
  }

  @Test
  @Order(6)
  void queuesAreIsolated() {
    String slow =
        Json.text(Client.workflow(Map.of("3.steps", 30, "5.width", 256, "5.height", 256)));
    List<String> onZero = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      String body = slow.replace("123456", Integer.toString(1000 + i));
      onZero.add(client().accepted(body, "X-TARGET-GPU", "0"));
    }
    JsonNode queues = client().get("/queue/all").json().path("queues");
    assertThat(queues.at("/0/running_count").asInt() + queues.at("/0/pending_count").asInt())
        .isEqualTo(20);
    for (int gpu = 1; gpu < 4; gpu++) {
      assertThat(queues.path(gpu).path("running_count").asInt()).isZero();
      assertThat(queues.path(gpu).path("pending_count").asInt()).isZero();
    }
    JsonNode ofZero = client().get("/queue", "X-TARGET-GPU", "0").json();
    assertThat(ofZero.path("gpu_id").asInt()).isZero();
    assertThat(ofZero.path("queue_running").size() + ofZero.path("queue_pending").size())
        .isEqualTo(20);
    assertThat(client().get("/queue", "X-TARGET-GPU", "1").json().path("gpu_id").asInt())
        .isEqualTo(1);
    assertThat(client().get("/queue").json().has("gpu_id")).isFalse();

    String onOne = client().accepted(Client.quick(7), "X-TARGET-GPU", "1");
    client().ended(onOne, PROMPT_PATIENCE);
    assertThat(client().get("/queue", "X-TARGET-GPU", "0").json().path("queue_pending"))
        .as("GPU 1 was done while GPU 0 still had its queue")
        .isNotEmpty();

    client().post("/queue", "{\"clear\": true}");
    client().post("/interrupt", "");
    server()
        .await(
            "empty queues",
            PROMPT_PATIENCE,
            () -> client().get("/queue/all").json().path("total_running").asInt() == 0);
    JsonNode first = client().ended(onZero.getFirst(), PROMPT_PATIENCE);
    assertThat(first.path("status").path("status_str").asText()).isIn("success", "error");
    assertThat(client().get("/queue/all").json().path("total_pending").asInt()).isZero();
  }

  @Test
  @Order(7)
  void unpinnedPromptsGoWhereThereIsRoom() {
    List<String> ids = new ArrayList<>();
    client().post("/queue/pause", "");
    for (int i = 0; i < 8; i++) {
      ids.add(client().accepted(Client.quick(9000 + i)));
    }
    client().post("/queue/resume", "");
    ids.forEach(id -> client().ended(id, PROMPT_PATIENCE));
    for (int gpu = 0; gpu < 4; gpu++) {
      String mark = "to GPU " + gpu + " (";
      assertThat(server().log())
          .as("GPU %d got a share", gpu)
          .anyMatch(line -> line.contains(mark) && ids.stream().anyMatch(line::contains));
    }
  }

  @Test
  @Order(8)
  void socketTellsTheWholeStory() {
    List<String> events = new CopyOnWriteArrayList<>();
    WebSocket socket =
        client()
            .http()
            .newWebSocketBuilder()
            .buildAsync(
                URI.create(server().url("/ws?clientId=tester").replace("http:", "ws:")),
                new Listener(events))
            .join();
    server().await("the first event", PROMPT_PATIENCE, () -> !events.isEmpty());
    assertThat(events.getFirst()).contains("\"type\":\"status\"").contains("\"sid\":\"tester\"");
    String id =
        client().accepted("{\"client_id\": \"tester\", \"prompt\": " + Client.quick(31337) + "}");
    server()
        .await(
            "the end",
            PROMPT_PATIENCE,
            () ->
                events.stream()
                    .anyMatch(
                        event ->
                            event.contains("\"executing\"") && event.contains("\"node\":null")));
    socket.abort();
    List<String> types =
        events.stream().filter(event -> event.contains(id)).map(MultiGpuServerTest::type).toList();
    assertThat(types)
        .containsSubsequence(
            "execution_start",
            "execution_cached",
            "progress_state",
            "executing",
            "progress",
            "executed",
            "execution_success",
            "executing");
    assertThat(types.getLast()).isEqualTo("executing");
    assertThat(events).anyMatch(event -> event.contains("\"queue_remaining\":1"));
  }

  private static String type(String event) {
    try {
      return Json.parse(event.getBytes(StandardCharsets.UTF_8)).path("type").asText();
    } catch (IOException e) {
      return "no JSON: " + event;
    }
  }

  /** Collects whole text messages. */
  private static final class Listener implements WebSocket.Listener {
    private final List<String> events;
    private final StringBuilder open = new StringBuilder();

    Listener(List<String> events) {
      this.events = events;
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      open.append(data);
      if (last) {
        events.add(open.toString());
        open.setLength(0);
      }
      socket.request(1);
      return null;
    }
  }
}
