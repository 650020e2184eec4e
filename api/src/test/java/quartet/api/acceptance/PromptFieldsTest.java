package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/** The fields of POST /prompt as the queue shows them; the one device is paused, so all wait. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class PromptFieldsTest {
  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) {
    started = ServerProcess.start(base, Map.of(), "--devices", "sim:1");
    opened = new Client(started);
    assertThat(client().post("/queue/pause", "{}").status()).isEqualTo(200);
  }

  @AfterAll
  void stop() {
    client().close();
    java.util.Objects.requireNonNull(started).close();
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  private static ObjectNode prompt(long seed) {
    return Client.workflow(Map.of("3.seed", seed));
  }

  private JsonNode posted(ObjectNode body) {
    Client.Answer answer = client().post("/prompt", Json.text(body));
    assertThat(answer.status()).as(answer.text()).isEqualTo(200);
    return answer.json();
  }

  private static ObjectNode wrapped(ObjectNode prompt) {
    ObjectNode body = Json.object();
    body.set("prompt", prompt);
    return body;
  }

  /** {@code [number, prompt_id, prompt, extra_data, outputs]} of a waiting prompt. */
  private JsonNode waiting(String promptId) {
    for (JsonNode tuple : client().get("/queue").json().path("queue_pending")) {
      if (tuple.path(1).asText().equals(promptId)) {
        return tuple;
      }
    }
    throw new AssertionError(promptId + " does not wait");
  }

  @Test
  void aGivenNumberIsKeptAndDoesNotAdvanceTheCounter() {
    double first = posted(wrapped(prompt(1))).path("number").asDouble();
    JsonNode numbered = posted(wrapped(prompt(2)).put("number", 7.5));
    assertThat(numbered.path("number").asDouble()).isEqualTo(7.5);
    assertThat(waiting(numbered.path("prompt_id").asText()).path(0).asDouble()).isEqualTo(7.5);
    assertThat(posted(wrapped(prompt(3))).path("number").asDouble()).isEqualTo(first + 1);
  }

  @Test
  void frontIsTheNegativeCounterAndARefusedPromptAdvancesIt() {
    double before = posted(wrapped(prompt(4))).path("number").asDouble();
    assertThat(client().post("/prompt", "{\"prompt\": {}}").status()).isEqualTo(400);
    JsonNode front = posted(wrapped(prompt(5)).put("front", true));
    assertThat(front.path("number").asDouble()).isEqualTo(-(before + 2));
  }

  @Test
  void onlyTheTargetsAreExecuted() {
    ObjectNode prompt = prompt(6);
    ObjectNode second = prompt.putObject("10");
    second.put("class_type", "PreviewImage").putObject("inputs").putArray("images").add("8").add(0);
    ObjectNode body = wrapped(prompt);
    body.putArray("partial_execution_targets").add("10");
    JsonNode tuple = waiting(posted(body).path("prompt_id").asText());
    assertThat(tuple.path(4)).hasSize(1);
    assertThat(tuple.path(4).path(0).asText()).isEqualTo("10");
  }

  @Test
  void theClientOfTheTopLevelWinsAndExtraDataIsKept() {
    ObjectNode body = wrapped(prompt(7)).put("client_id", "outer");
    body.putObject("extra_data").put("client_id", "inner").put("mine", 5);
    JsonNode extra = waiting(posted(body).path("prompt_id").asText()).path(3);
    assertThat(extra.path("client_id").asText()).isEqualTo("outer");
    assertThat(extra.path("mine").asInt()).isEqualTo(5);
    assertThat(extra.path("create_time").asLong()).isPositive();
  }

  @Test
  void valuesAreConvertedInWhatIsShownAndUnknownKeysStay() {
    ObjectNode prompt = Client.workflow(Map.of("3.seed", "12", "3.steps", 3.9));
    ((ObjectNode) prompt.path("3")).putObject("_meta").put("title", "mine");
    JsonNode node = waiting(posted(wrapped(prompt)).path("prompt_id").asText()).path(2).path("3");
    assertThat(node.at("/inputs/seed").isInt()).isTrue();
    assertThat(node.at("/inputs/seed").asInt()).isEqualTo(12);
    assertThat(node.at("/inputs/steps").asInt()).isEqualTo(3);
    assertThat(node.at("/_meta/title").asText()).isEqualTo("mine");
  }

  @Test
  void aPromptWithoutAnIdGetsOne() {
    assertThat(posted(wrapped(prompt(8))).path("prompt_id").asText())
        .matches("[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}");
  }
}
