package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.bench.Scrape;

/** A checkpoint's file is removed while it is in use. */
final class ModelRemovedTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String NAME = "quartet-demo.safetensors";

  private static JsonNode error(JsonNode entry) {
    for (JsonNode message : entry.at("/status/messages")) {
      if (message.path(0).asText().equals("execution_error")) {
        return message.path(1);
      }
    }
    throw new AssertionError("no error in " + entry);
  }

  @Test
  void whatRunsGoesOnWhatWaitsFailsByNameAndNewOnesAreRefused(@TempDir Path base) throws Exception {
    Path checkpoints = Files.createDirectories(base.resolve("models/checkpoints"));
    Path shipped = ServerProcess.repository().resolve("models/checkpoints").resolve(NAME);
    Path file = Files.copy(shipped, checkpoints.resolve(NAME));
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "cpu:1");
        Client client = new Client(server)) {
      String running = client.accepted(Client.quick(1).replace("\"steps\":2", "\"steps\":200"));
      server.await(
          "its first steps",
          PATIENCE,
          () ->
              client.get("/devices").json().at("/devices/0/resident/0").asText().equals(NAME)
                  || !client.get("/queue").json().path("queue_running").isEmpty());
      server.await("the model", PATIENCE, () -> server.text().contains(NAME + " ready in"));
      String waiting = client.accepted(Client.quick(2));
      Files.delete(file);

      Client.Answer refused = client.post("/prompt", Client.quick(3));
      assertThat(refused.status()).isEqualTo(400);
      assertThat(refused.text()).contains("value_not_in_list").contains(NAME);
      assertThat(client.ended(running, PATIENCE).at("/status/status_str").asText())
          .as("the mapped file outlives its name")
          .isEqualTo("success");
      assertThat(error(client.ended(waiting, PATIENCE)).path("exception_message").asText())
          .contains("is not any more: node 4 (CheckpointLoaderSimple): ckpt_name: '" + NAME)
          .contains("Bring back what is gone");
      server.await(
          "what the alert looks at",
          PATIENCE,
          () ->
              Scrape.parse(client.get("/metrics").text())
                      .sum(
                          "quartet_prompt_rejections_total",
                          "reason",
                          "prompt_outputs_failed_validation")
                  == 1);

      Files.copy(shipped, file);
      assertThat(
              client
                  .ended(client.accepted(Client.quick(4)), PATIENCE)
                  .at("/status/status_str")
                  .asText())
          .as("it is back, and nothing need be started again")
          .isEqualTo("success");
    }
  }
}
