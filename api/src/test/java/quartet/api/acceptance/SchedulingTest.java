package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;

/** Priorities, shares, moves, pauses, deadlines and draining, through HTTP on simulated devices. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class SchedulingTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) {
    started =
        ServerProcess.start(
            base,
            Map.of(),
            "--devices",
            "sim:2",
            "--sim",
            "step=5ms,image=1ms,decode=1ms,text=1ms,load=10ms,load-gb=1ms",
            "--queue-size",
            "20");
    opened = new Client(started);
  }

  @AfterAll
  void stop() {
    client().close();
    server().close();
  }

  @BeforeEach
  void nothingIsLeftOfOtherTests() {
    client().post("/queue", "{\"clear\": true}");
    operator("/queue/drain", "{\"mode\": \"off\"}");
    operator("/queue/resume", "");
  }

  private ServerProcess server() {
    return java.util.Objects.requireNonNull(started);
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  private static String prompt(String id, String extra) {
    return "{\"prompt_id\": \"%s\", \"extra_data\": {%s}, \"prompt\": %s}"
        .formatted(id, extra, Client.quick(Math.floorMod(id.hashCode(), 1 << 30)));
  }

  private void operator(String path, String body) {
    Client.Answer answer = client().post(path, body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
  }

  /** Ids that wait, in the order of their positions, over all devices. */
  private List<String> positions() {
    List<JsonNode> planned = new ArrayList<>();
    client()
        .get("/queue/all")
        .json()
        .path("queues")
        .forEach(gpu -> gpu.path("schedule").forEach(planned::add));
    planned.sort(java.util.Comparator.comparingInt(one -> one.path("position").asInt()));
    return planned.stream().map(one -> one.path("prompt_id").asText()).toList();
  }

  @Test
  void operatorsPutPromptsWhereTheyWant() {
    operator("/queue/pause", "{}");
    for (String id : List.of("o1", "o2", "o3", "o4")) {
      client().accepted(prompt(id, ""));
    }
    client().accepted(prompt("o5", "\"priority\": 7"));
    client().accepted(prompt("o6", "\"gpu\": 1"));
    assertThat(positions()).containsExactly("o5", "o1", "o2", "o3", "o4", "o6");
    JsonNode queues = client().get("/queue/all").json();
    assertThat(queues.at("/queues/0/paused").asBoolean()).isTrue();
    assertThat(queues.at("/queues/1/schedule/0/reason").asText()).contains("not taking prompts");
    assertThat(queues.path("total_pending").asInt()).isEqualTo(6);

    operator("/queue/move", "{\"prompt_id\": \"o4\", \"to\": \"front\"}");
    operator("/queue/move", "{\"prompt_id\": \"o1\", \"to\": \"back\"}");
    operator("/queue/move", "{\"prompt_id\": \"o3\", \"before\": \"o2\"}");
    operator("/queue/move", "{\"prompt_id\": \"o2\", \"gpu\": 0}");
    assertThat(positions()).containsExactly("o4", "o5", "o3", "o2", "o6", "o1");
    assertThat(client().post("/queue/move", "{\"prompt_id\": \"no\", \"to\": \"back\"}").status())
        .isEqualTo(404);
    assertThat(client().post("/queue/move", "{\"prompt_id\": \"o1\"}").text())
        .contains("does not say where to");
    assertThat(client().post("/queue/move", "{\"prompt_id\": \"o1\", \"gpu\": 9}").text())
        .contains("the devices are [0, 1]");

    operator("/queue/resume", "{\"gpu\": 1}");
    for (String id : List.of("o4", "o5", "o3", "o6", "o1")) {
      client().ended(id, PATIENCE);
    }
    assertThat(DurableQueueTest.executed(server())).doesNotContain("o2");
    operator("/queue/resume", "");
    assertThat(client().ended("o2", PATIENCE).at("/status/completed").asBoolean()).isTrue();
    assertThat(DurableQueueTest.executed(server()))
        .containsSubsequence("o4", "o5", "o3", "o6", "o1", "o2");
    assertThat(server().text())
        .contains("Routing prompt o6 to GPU 1\n")
        .containsPattern("Routing prompt o1 to GPU 1 \\(GPU 1: model resident, .* GB free, queue ");
  }

  @Test
  void devicesSayWhatIsOnThemAndWhenTheyWillBeDone() {
    operator("/queue/pause", "{\"gpu\": 1}");
    client().ended(client().accepted(prompt("before", "\"gpu\": 0")), PATIENCE);
    String longOne =
        client()
            .accepted(
                "{\"prompt_id\": \"long\", \"prompt\": "
                    + quartet.api.wire.Json.text(Client.workflow(Map.of("3.steps", 3000)))
                    + "}");
    server()
        .await(
            "the running prompt",
            PATIENCE,
            () -> client().get("/devices").json().at("/devices/0").has("running"));
    JsonNode devices = client().get("/devices").json();
    JsonNode first = devices.at("/devices/0");
    assertThat(first.at("/running/prompt_id").asText()).isEqualTo(longOne);
    assertThat(first.at("/running/started").asLong())
        .isBetween(devices.path("now").asLong() - 60_000, devices.path("now").asLong());
    assertThat(first.at("/running/expected_end").asLong())
        .isGreaterThan(first.at("/running/started").asLong());
    assertThat(first.path("resident").toString()).isEqualTo("[\"quartet-demo.safetensors\"]");
    assertThat(first.path("memory_total").asLong())
        .isGreaterThanOrEqualTo(first.path("memory_free").asLong());
    assertThat(first.path("tasks").asInt()).isPositive();
    assertThat(devices.at("/devices/1/paused").asBoolean()).isTrue();
    assertThat(devices.at("/devices/1").has("running")).isFalse();
    client().post("/api/jobs/" + longOne + "/cancel", "{}");
    client().ended(longOne, PATIENCE);
  }

  @Test
  void oneClientsManyDoNotStandBeforeAnothersFew() {
    operator("/queue/pause", "");
    for (int i = 0; i < 6; i++) {
      client().accepted(prompt("many" + i, "\"client_id\": \"many\""));
    }
    client().accepted(prompt("few", "\"client_id\": \"few\""));
    assertThat(positions()).startsWith("many0", "few", "many1");
    operator("/queue/resume", "");
    client().ended("many5", PATIENCE);
  }

  @Test
  void whatIsTooLateOrTooMuchIsSaidWithNumbers() {
    operator("/queue/pause", "");
    client().accepted(prompt("late", "\"deadline\": 0.5"));
    JsonNode late = client().ended("late", PATIENCE);
    assertThat(late.at("/status/status_str").asText()).isEqualTo("error");
    assertThat(late.toString()).contains("deadline of 0.5 s");
    for (int i = 0; i < 40; i++) {
      client().accepted(prompt("full" + i, i < 20 ? "\"gpu\": 0" : ""));
    }
    Client.Answer full = client().post("/prompt", prompt("one-more", ""));
    assertThat(full.status()).isEqualTo(429);
    assertThat(full.header("Retry-After")).matches("[1-9]\\d*");
    assertThat(full.json().at("/error/details").asText())
        .matches("40 prompts run or wait; a new one would wait about \\d+ s; try again in \\d+ s");
    client().post("/queue", "{\"clear\": true}");
    assertThat(positions()).isEmpty();
    for (int i = 0; i < 20; i++) {
      client().accepted(prompt("pinned" + i, "\"gpu\": 0"));
    }
    Client.Answer one = client().post("/prompt", Client.quick(1), "X-TARGET-GPU", "0");
    assertThat(one.json().at("/error/message").asText()).isEqualTo("The queue of GPU 0 is full");
    assertThat(client().post("/prompt", Client.quick(1), "X-TARGET-GPU", "1").status())
        .isEqualTo(200);
    client().post("/queue", "{\"clear\": true}");
    operator("/queue/resume", "");
    for (String wrong : List.of("\"priority\": 1.5", "\"priority\": 5000", "\"deadline\": -1")) {
      Client.Answer refused = client().post("/prompt", prompt("wrong", wrong));
      assertThat(refused.status()).as(wrong).isEqualTo(400);
    }
  }

  @Test
  void aDrainedServerTakesNothingNewAndSaysWhenItIsEmpty() {
    String running = client().accepted(prompt("drain1", ""));
    operator("/queue/drain", "{\"mode\": \"queue\"}");
    Client.Answer refused = client().post("/prompt", prompt("drain2", ""));
    assertThat(refused.status()).isEqualTo(503);
    assertThat(refused.json().at("/error/type").asText()).isEqualTo("draining");
    assertThat(refused.header("Retry-After")).isNotEmpty();
    Client.Answer ready = client().get("/health/ready");
    assertThat(ready.status()).isEqualTo(503);
    assertThat(ready.json().at("/ready").asBoolean()).isFalse();
    assertThat(ready.json().at("/reasons/0").asText()).isEqualTo("draining");
    client().ended(running, PATIENCE);
    server()
        .await(
            "the drained state",
            PATIENCE,
            () -> client().get("/queue/drain").json().path("done").asBoolean());
    assertThat(client().post("/queue/drain", "{\"mode\": \"no\"}").status()).isEqualTo(400);
    operator("/queue/drain", "{\"mode\": \"off\"}");
    client().ended(client().accepted(prompt("drain3", "")), PATIENCE);
    assertThat(client().get("/health/ready").status()).isEqualTo(200);
  }

  @Test
  void aServerThatIsStoppedLetsRunningPromptsEnd(@TempDir Path base) throws Exception {
    try (ServerProcess stopped =
            ServerProcess.start(
                base,
                Map.of(),
                "--devices",
                "sim:1",
                "--sim",
                "step=1s,load=1ms",
                "--shutdown-grace",
                "60");
        Client other = new Client(stopped)) {
      other.accepted(prompt("runs", ""));
      other.accepted(prompt("waits", ""));
      stopped.await(
          "the first prompt to run",
          PATIENCE,
          () -> other.get("/queue/all").json().path("total_running").asInt() == 1);
      stopped.terminate();
      assertThat(stopped.exitCode(PATIENCE)).isEqualTo(143);
    }
    try (var logs = Files.list(base.resolve("logs"))) {
      String log = Files.readString(logs.findFirst().orElseThrow());
      assertThat(log).contains("Prompt runs executed in").doesNotContain("Prompt waits executed");
    }
  }
}
