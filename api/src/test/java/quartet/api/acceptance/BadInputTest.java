package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.api.wire.Json;

/** Whatever is wrong ends in one clear answer, and the server goes on. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class BadInputTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void start(@TempDir Path base) throws IOException {
    Path checkpoints = Files.createDirectories(base.resolve("models/checkpoints"));
    Files.createSymbolicLink(
        checkpoints.resolve("quartet-demo.safetensors"),
        ServerProcess.repository().resolve("models/checkpoints/quartet-demo.safetensors"));
    writeHostile(checkpoints);
    started = ServerProcess.start(base, Map.of(), "--devices", "cpu:2");
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

  private static void writeHostile(Path folder) throws IOException {
    Files.write(folder.resolve("empty.safetensors"), new byte[0]);
    Files.write(folder.resolve("beyond.safetensors"), header(1L << 40, "{}"));
    Files.write(folder.resolve("truncated.safetensors"), tensors("[4, 4]", "[0, 64]", 10));
    Files.write(folder.resolve("negative.safetensors"), tensors("[-4, 4]", "[0, 64]", 64));
    Files.write(
        folder.resolve("huge.safetensors"),
        tensors("[4611686018427387904, 4611686018427387904]", "[0, 64]", 64));
    Files.write(
        folder.resolve("overlap.safetensors"),
        withData(
            "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]},"
                + "\"b\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[8,24]}}",
            24));
    Files.write(folder.resolve("no-model.safetensors"), tensors("[4, 4]", "[0, 64]", 64));
  }

  private static byte[] tensors(String shape, String offsets, int bytes) {
    return withData(
        "{\"w\":{\"dtype\":\"F32\",\"shape\":%s,\"data_offsets\":%s}}".formatted(shape, offsets),
        bytes);
  }

  private static byte[] withData(String json, int bytes) {
    byte[] head = header(json.length(), json);
    return ByteBuffer.allocate(head.length + bytes).put(head).array();
  }

  private static byte[] header(long length, String json) {
    byte[] text = json.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + text.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(length)
        .put(text)
        .array();
  }

  static Stream<Arguments> wrongPrompts() {
    return Stream.of(
        Arguments.of("missing input", change("3", "seed", null), "required_input_missing", "3"),
        Arguments.of("wrong type", change("3", "steps", "\"abc\""), "invalid_input_type", "3"),
        Arguments.of("too big", change("3", "steps", "10001"), "value_bigger_than_max", "3"),
        Arguments.of("too small", change("5", "width", "8"), "value_smaller_than_min", "5"),
        Arguments.of("dangling link", change("3", "model", "[\"77\", 0]"), "bad_linked_input", "3"),
        Arguments.of(
            "slot out of range", change("8", "vae", "[\"4\", 3]"), "bad_linked_input", "8"),
        Arguments.of("wrong link", change("8", "vae", "[\"4\", 1]"), "return_type_mismatch", "8"),
        Arguments.of("cycle", change("3", "latent_image", "[\"3\", 0]"), "dependency_cycle", "3"),
        Arguments.of(
            "missing checkpoint",
            change("4", "ckpt_name", "\"nowhere.safetensors\""),
            "value_not_in_list",
            "4"));
  }

  private static String change(String node, String input, @Nullable String value) {
    ObjectNode prompt = Client.workflow(Map.of());
    ObjectNode inputs = (ObjectNode) prompt.path(node).path("inputs");
    if (value == null) {
      inputs.remove(input);
    } else {
      try {
        inputs.set(input, Json.parse(value.getBytes(StandardCharsets.UTF_8)));
      } catch (IOException e) {
        throw new IllegalArgumentException(value, e);
      }
    }
    return Json.text(prompt);
  }

  @ParameterizedTest(name = "{0}")
  @MethodSource("wrongPrompts")
  void wrongPromptsAreRefusedWithTheirReason(
      String what, String body, String errorType, String node) {
    Client.Answer answer = client().post("/prompt", body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    JsonNode json = answer.json();
    assertThat(json.path("error").path("type").asText())
        .isEqualTo("prompt_outputs_failed_validation");
    assertThat(json.path("node_errors").path(node).path("errors"))
        .anySatisfy(error -> assertThat(error.path("type").asText()).isEqualTo(errorType));
    assertThat(json.path("node_errors").path(node).path("dependent_outputs").path(0).asText())
        .isEqualTo("9");
    assertServes();
  }

  static Stream<Arguments> noPrompts() {
    return Stream.of(
        Arguments.of("{\"3\": {\"class_type\"", "invalid_json"),
        Arguments.of("", "no_prompt"),
        Arguments.of("[]", "no_prompt"),
        Arguments.of("{}", "no_prompt"),
        Arguments.of("{\"prompt\": 5}", "no_prompt"),
        Arguments.of("{\"prompt\": {}}", "prompt_no_outputs"),
        Arguments.of(
            "{\"1\": {\"class_type\": \"NoSuchNode\", \"inputs\": {}}}", "missing_node_type"),
        Arguments.of(
            "{\"5\": {\"class_type\": \"EmptyLatentImage\", \"inputs\": {\"width\": 4096,"
                + " \"height\": 4096, \"batch_size\": 16}}}",
            "prompt_no_outputs"));
  }

  @ParameterizedTest
  @MethodSource("noPrompts")
  void whatIsNoPromptIsSaidSo(String body, String errorType) {
    Client.Answer answer = client().post("/prompt", body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    assertThat(answer.json().path("error").path("type").asText()).isEqualTo(errorType);
    assertThat(answer.json().path("error").path("message").asText()).isNotBlank();
    assertServes();
  }

  @ParameterizedTest
  @ValueSource(strings = {"x", "-1", "99", "1.5", "2"})
  void wrongTargetsAreToldWhichDevicesExist(String target) {
    Client.Answer answer = client().post("/prompt", Client.quick(1), "X-TARGET-GPU", target);
    assertThat(answer.status()).isEqualTo(400);
    assertThat(answer.json().path("error").path("details").asText())
        .contains("'" + target + "'")
        .contains("[0, 1]");
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "empty.safetensors",
        "beyond.safetensors",
        "truncated.safetensors",
        "negative.safetensors",
        "huge.safetensors",
        "overlap.safetensors",
        "no-model.safetensors"
      })
  void hostileCheckpointsFailTheirPromptWithOneClearError(String name) {
    String id =
        client().accepted(change("4", "ckpt_name", "\"" + name + "\""), "X-TARGET-GPU", "0");
    JsonNode status = client().ended(id, PATIENCE).path("status");
    assertThat(status.path("status_str").asText()).isEqualTo("error");
    JsonNode error = status.path("messages").path(2);
    assertThat(error.path(0).asText()).isEqualTo("execution_error");
    assertThat(error.path(1).path("node_id").asText()).isEqualTo("4");
    assertThat(error.path(1).path("exception_message").asText()).contains(name);
    assertServes();
  }

  @Test
  void filesOutsideTheFoldersAreNotServed() {
    assertThat(client().get("/view?filename=..%2F..%2Fetc%2Fpasswd").status()).isEqualTo(400);
    assertThat(client().get("/view?filename=passwd&subfolder=..%2F..%2Fetc").status())
        .isEqualTo(403);
    assertThat(client().get("/view?filename=a.png&type=secret").status()).isEqualTo(400);
    assertThat(client().get("/view?filename=nothing.png").status()).isEqualTo(404);
    assertThat(client().get("/no/such/page").status()).isEqualTo(404);
  }

  /** The server still runs prompts: one that is refused, and the queue answers. */
  private void assertServes() {
    assertThat(client().get("/queue/all").status()).isEqualTo(200);
    assertThat(java.util.Objects.requireNonNull(started).isAlive()).isTrue();
  }

  @Test
  void goodPromptsStillRun() {
    String id = client().accepted(Client.quick(5));
    assertThat(client().ended(id, PATIENCE).path("status").path("completed").asBoolean()).isTrue();
  }
}
