package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/** Accepted prompts outlive the server, however it ends. */
final class DurableQueueTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Pattern EXECUTED = Pattern.compile("Prompt (\\S+) executed in");

  static ServerProcess start(Path base, String... more) {
    List<String> arguments = new ArrayList<>(List.of("--devices", "cpu:1"));
    arguments.addAll(List.of(more));
    return ServerProcess.start(base, Map.of(), arguments.toArray(String[]::new));
  }

  static String slow(long seed) {
    return Json.text(
        Client.workflow(Map.of("5.width", 256, "5.height", 256, "3.steps", 40, "3.seed", seed)));
  }

  static String withId(String id, String prompt) {
    return "{\"prompt_id\": \"" + id + "\", \"prompt\": " + prompt + "}";
  }

  /** Ids in the order in which they were executed. */
  static List<String> executed(ServerProcess server) {
    List<String> ids = new ArrayList<>();
    for (String line : server.log()) {
      Matcher matcher = EXECUTED.matcher(line);
      if (matcher.find()) {
        ids.add(matcher.group(1));
      }
    }
    return ids;
  }

  static Set<String> history(Client client) {
    Set<String> ids = new LinkedHashSet<>();
    client.get("/history").json().fieldNames().forEachRemaining(ids::add);
    return ids;
  }

  static void killNow(ServerProcess server) throws InterruptedException {
    server.kill();
    server.exitCode(PATIENCE);
  }

  /** Ended well, and its picture is there and whole. */
  static void endedWithItsPicture(ServerProcess server, Client client, String id) {
    JsonNode entry = client.ended(id, PATIENCE);
    assertThat(entry.at("/status/status_str").asText()).as("%s", entry).isEqualTo("success");
    String name = entry.at("/outputs/9/images/0/filename").asText();
    assertThat(server.base().resolve("output").resolve(name)).isRegularFile();
    byte[] picture = client.get("/view?filename=" + name).bytes();
    assertThat(picture).startsWith(0x89, 'P', 'N', 'G');
    assertThat(new String(picture, java.nio.charset.StandardCharsets.ISO_8859_1)).contains("IEND");
  }

  @Test
  void killedServerGoesOnWhereItWas(@TempDir Path base) throws Exception {
    List<String> ids = new ArrayList<>();
    Set<String> before;
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      String done = client.accepted(Client.quick(1));
      client.ended(done, PATIENCE);
      ids.add(client.accepted(withId("interrupted", slow(2))));
      for (int i = 0; i < 4; i++) {
        ids.add(client.accepted(Client.quick(10 + i)));
      }
      server.await(
          "the slow one to run",
          PATIENCE,
          () ->
              client.get("/queue").json().at("/queue_running/0/1").asText().equals("interrupted"));
      before = history(client);
      assertThat(before).containsExactly(done);
      killNow(server);
    }
    String twice = withId("11111111-2222-4333-8444-555555555555", Client.quick(77));
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      for (String id : ids) {
        endedWithItsPicture(server, client, id);
      }
      assertThat(executed(server)).as("order, each once").containsExactlyElementsOf(ids);
      assertThat(history(client)).containsAll(before).containsAll(ids);
      assertThat(server.text()).contains("5 prompts queued again, 1 of them interrupted; 1 in the");

      JsonNode first = client.post("/prompt", twice).json();
      JsonNode second = client.post("/prompt", twice).json();
      assertThat(first.path("number").asInt()).as("numbers go on").isGreaterThanOrEqualTo(6);
      assertThat(second).isEqualTo(first);
      String id = first.path("prompt_id").asText();
      client.ended(id, PATIENCE);
      assertThat(client.post("/prompt", twice).json()).isEqualTo(first);
      Client.Answer other = client.post("/prompt", withId(id, Client.quick(78)));
      assertThat(other.status()).isEqualTo(400);
      assertThat(other.json().at("/error/type").asText()).isEqualTo("invalid_prompt_id");
      assertThat(executed(server)).containsOnlyOnce(id);

      client.post("/history", "{\"delete\": [\"interrupted\"]}");
      server.terminate();
      server.exitCode(PATIENCE);
    }
    ids.remove("interrupted");
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      assertThat(history(client))
          .doesNotContain("interrupted")
          .containsAll(ids)
          .containsAll(before);
      assertThat(client.post("/prompt", twice).status()).as("known after a restart").isEqualTo(200);
      assertThat(client.get("/queue").json().path("queue_pending")).isEmpty();
      assertThat(executed(server)).isEmpty();
    }
  }
}
