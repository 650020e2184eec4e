package quartet.cluster.job;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.InputStream;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/** Stored facts: a journal of years ago stays readable, and nothing in it can stop a server. */
final class FactCodecTest {
  @Test
  void goldenFilesHoldWhatTheyHeldWhenTheyWereMade() throws IOException {
    ObjectNode prompt = JsonNodeFactory.instance.objectNode();
    ObjectNode save = prompt.putObject("9").put("class_type", "SaveImage");
    save.putObject("inputs")
        .put("seed", new BigInteger("18446744073709551615"))
        .put("cfg", 8.0)
        .put("filename_prefix", "Bäume");
    ObjectNode extra = JsonNodeFactory.instance.objectNode().put("client_id", "c1");
    extra.putObject("extra_pnginfo").putObject("workflow").put("id", "w");
    assertThat(read("v1-queued"))
        .isEqualTo(
            new PromptFact.Queued(
                new PromptJob(
                    "0b9d7a52-6a0a-4f7e-9b0c-7c9a9f0e0c11",
                    4,
                    prompt,
                    extra,
                    List.of("9"),
                    "c1",
                    Instant.ofEpochMilli(1764100000000L)),
                2,
                Set.of("a.safetensors"),
                4));
    assertThat(read("v1-queued-owned"))
        .isInstanceOfSatisfying(
            PromptFact.Queued.class,
            queued -> assertThat(queued.owner()).isEqualTo(new Owner("a", 1234567890123L)));
    assertThat(read("v1-taken"))
        .isEqualTo(new PromptFact.Taken(new Owner("b", -7046029254386353131L)));
    assertThat(read("v1-placed")).isEqualTo(new PromptFact.Placed(3));
    assertThat(read("v1-moved")).isEqualTo(new PromptFact.Moved(2, -0.5, 7));
    assertThat(read("v1-started")).isEqualTo(new PromptFact.Started(3, 1764100000500L));
    ObjectNode images = JsonNodeFactory.instance.objectNode();
    images
        .putArray("images")
        .addObject()
        .put("filename", "ComfyUI_00001_.png")
        .put("subfolder", "")
        .put("type", "output");
    assertThat(read("v1-succeeded"))
        .isEqualTo(
            new PromptFact.Ended(
                0,
                new ExecutionOutcome.Succeeded(Map.of("9", images)),
                List.of("4", "6"),
                1764100000500L,
                1764100004000L));
    assertThat(read("v1-failed"))
        .isEqualTo(
            new PromptFact.Ended(
                1,
                new ExecutionOutcome.Failed(
                    Map.of(),
                    "3",
                    "KSampler",
                    ErrorKind.OUT_OF_MEMORY,
                    "too large",
                    "OUT_OF_MEMORY",
                    List.of("a", "b"),
                    List.of("4"),
                    JsonNodeFactory.instance.objectNode().put("steps", 20)),
                List.of(),
                1764100000500L,
                1764100004000L));
    assertThat(read("v1-interrupted"))
        .isInstanceOfSatisfying(
            PromptFact.Ended.class,
            ended -> assertThat(ended.outcome()).isInstanceOf(ExecutionOutcome.Interrupted.class));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "v1-queued",
        "v1-queued-plain",
        "v1-queued-owned",
        "v1-taken",
        "v1-placed",
        "v1-started",
        "v1-succeeded",
        "v1-failed",
        "v1-interrupted"
      })
  void writesTheGoldenBytes(String name) throws IOException {
    String golden = new String(bytes(name), StandardCharsets.UTF_8).strip();
    assertThat(new String(FactCodec.bytes(read(name)), StandardCharsets.UTF_8)).isEqualTo(golden);
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      value = {
        "{\"v\":2,\"type\":\"queued\"} | version 2",
        "{\"type\":\"queued\"}         | no version",
        "{\"v\":1,\"type\":\"teleported\"}  | unknown type 'teleported'",
        "{\"v\":1,\"type\":\"placed\"} | field 'gpu_id'",
        "{\"v\":1                      | not JSON",
        "[]                            | no version",
        "7                             | no version",
        "{\"v\":1,\"type\":\"ended\",\"gpu_id\":1,\"outcome\":{\"type\":\"x\",\"shown\":{}}} | outcome",
      })
  void whatCannotBeReadSaysWhy(String stored, String reason) {
    assertThat(FactCodec.fact(stored.getBytes(StandardCharsets.UTF_8)))
        .isInstanceOfSatisfying(
            PromptFact.Unreadable.class,
            unreadable -> assertThat(unreadable.reason()).contains(reason));
  }

  @Test
  void noCutOrFlippedByteThrows() throws IOException {
    byte[] golden = bytes("v1-failed");
    for (int i = 0; i < golden.length; i++) {
      assertThat(FactCodec.fact(java.util.Arrays.copyOf(golden, i))).isNotNull();
      byte[] flipped = golden.clone();
      flipped[i] ^= 0x15;
      assertThat(FactCodec.fact(flipped)).isNotNull();
    }
  }

  private static PromptFact read(String name) throws IOException {
    return FactCodec.fact(bytes(name));
  }

  private static byte[] bytes(String name) throws IOException {
    try (InputStream file =
        Objects.requireNonNull(
            FactCodecTest.class.getResourceAsStream("golden/" + name + ".json"), name)) {
      return file.readAllBytes();
    }
  }
}
