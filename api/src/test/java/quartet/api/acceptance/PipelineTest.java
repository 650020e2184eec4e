package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Pictures are saved while the device computes the next ones: one simulated device, over HTTP. */
final class PipelineTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String DEVICE =
      "step=40ms,image=0ms,decode=0ms,text=0ms,load=1ms,load-gb=1ms,save=";

  /** Prompts that follow each other overlap by almost half: 80 ms on the device, 70 ms after it. */
  private static final double OVERLAP = 1.3;

  private static ServerProcess start(Path base, String save) {
    return ServerProcess.start(base, Map.of(), "--devices", "sim:1", "--sim", DEVICE + save);
  }

  private static String prompt(String id, String clientId) {
    return "{\"prompt_id\": \"%s\", \"client_id\": \"%s\", \"prompt\": %s}"
        .formatted(id, clientId, Client.quick(Math.floorMod(id.hashCode(), 1 << 30)));
  }

  private static void running(ServerProcess server, Client client, int prompts) {
    server.await(
        prompts + " running prompts",
        PATIENCE,
        () -> client.get("/queue").json().path("queue_running").size() == prompts);
  }

  private static long timestamp(JsonNode entry, String type) {
    for (JsonNode message : entry.at("/status/messages")) {
      if (message.path(0).asText().equals(type)) {
        return message.at("/1/timestamp").asLong();
      }
    }
    throw new AssertionError("no " + type + " in " + entry);
  }

  @Test
  void twentyPromptsOverlapAndTheirClientHearsOfOneAfterTheOther(@TempDir Path base) {
    try (ServerProcess server = start(base, "70ms");
        Client client = new Client(server);
        Socket socket = new Socket(server, client, "watcher")) {
      client.ended(client.accepted(prompt("warm", "other")), PATIENCE);
      client.post("/queue/pause", "");
      List<String> ids = new ArrayList<>();
      for (int i = 0; i < 20; i++) {
        ids.add(client.accepted(prompt("p" + i, "watcher")));
      }
      client.post("/queue/resume", "");
      socket.awaitEnd(ids.getLast());

      long first = Long.MAX_VALUE;
      long last = 0;
      long sum = 0;
      for (String id : ids) {
        JsonNode entry = client.ended(id, PATIENCE);
        long began = timestamp(entry, "execution_start");
        long ended = timestamp(entry, "execution_success");
        first = Math.min(first, began);
        last = Math.max(last, ended);
        sum += ended - began;
      }
      System.out.printf(
          "20 prompts that took %d ms ran in %d ms: %.2f at once%n",
          sum, last - first, (double) sum / (last - first));
      assertThat((double) sum / (last - first))
          .as("one after the other they would take at least as long as all of them together")
          .isGreaterThan(OVERLAP);

      List<String> heard = new ArrayList<>();
      for (JsonNode event : socket.events()) {
        String id = event.at("/data/prompt_id").asText();
        if (ids.contains(id) && (heard.isEmpty() || !heard.getLast().equals(id))) {
          heard.add(id);
        }
      }
      assertThat(heard).isEqualTo(ids);
    }
  }

  @Test
  void whatIsBeingSavedIsInterruptedOrRunsAgainAfterAKill(@TempDir Path base) throws Exception {
    try (ServerProcess server = start(base, "3600s");
        Client client = new Client(server)) {
      client.accepted(prompt("stopped", "c"));
      running(server, client, 1);
      server.await(
          "a device that is free again",
          PATIENCE,
          () -> !client.get("/devices").json().at("/devices/0").has("running"));
      client.post("/interrupt", "{}");
      assertThat(client.ended("stopped", PATIENCE).toString()).contains("execution_interrupted");
      client.accepted(prompt("saved", "c"));
      client.accepted(prompt("computed", "c"));
      running(server, client, 2);
      DurableQueueTest.killNow(server);
    }
    try (ServerProcess server = start(base, "1ms");
        Client client = new Client(server)) {
      for (String id : List.of("saved", "computed")) {
        DurableQueueTest.endedWithItsPicture(server, client, id);
      }
      assertThat(DurableQueueTest.executed(server)).containsExactly("saved", "computed");
      assertThat(DurableQueueTest.history(client))
          .containsExactlyInAnyOrder("stopped", "saved", "computed");
    }
  }
}
