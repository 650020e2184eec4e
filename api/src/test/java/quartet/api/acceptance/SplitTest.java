package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/** A batch over two devices: the same pictures as on one, and one prompt for its client. */
final class SplitTest {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  @Test
  void partsAreTheSamePictures(@TempDir Path base) throws Exception {
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "cpu:2");
        Client client = new Client(server)) {
      JsonNode whole = client.ended(client.accepted(body("whole", 3, null)), PATIENCE);
      String id = client.accepted(body("parts", 3, "2"));
      JsonNode split = client.ended(id, PATIENCE);
      assertThat(split.at("/status/status_str").asText()).as("%s", split).isEqualTo("success");
      assertThat(names(whole))
          .containsExactly("whole_00001_.png", "whole_00002_.png", "whole_00003_.png");
      assertThat(names(split))
          .containsExactly("parts_00001_.png", "parts_00002_.png", "parts_00003_.png");
      for (int i = 0; i < 3; i++) {
        Path output = base.resolve("output");
        byte[] one = Files.readAllBytes(output.resolve(names(whole).get(i)));
        byte[] other = Files.readAllBytes(output.resolve(names(split).get(i)));
        assertThat(chunks(other, "IDAT")).as("picture %d", i).isEqualTo(chunks(one, "IDAT"));
        assertThat(new String(chunks(other, "tEXt"), StandardCharsets.ISO_8859_1))
            .as("the prompt inside is the one that was posted")
            .contains("\"filename_prefix\":\"parts\"")
            .doesNotContain("LatentFromBatch");
      }
      assertThat(base.resolve("output").resolve(".quartet-split")).doesNotExist();
      assertThat(client.get("/history").json()).as("one entry for each prompt").hasSize(2);
      assertThat(client.get("/api/jobs").json().at("/jobs")).hasSize(2);
      assertThat(split.at("/prompt/1").asText()).isEqualTo(id);
      assertThat(ran(server, 0) && ran(server, 1)).as(server.text()).isTrue();
    }
  }

  @Test
  void whatCannotBeSplitIsRefusedWithTheNode(@TempDir Path base) throws Exception {
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "sim:2");
        Client client = new Client(server)) {
      assertThat(refusal(client, body("x", 1, "2")))
          .contains("no EmptyLatentImage whose batch_size");
      assertThat(refusal(client, body("x", 2, "\"many\""))).contains("write the number of parts");
      ObjectNode ancestral = Json.object();
      ancestral.set("prompt", workflow("x", 2).deepCopy());
      ((ObjectNode) ancestral.at("/prompt/3/inputs")).put("sampler_name", "euler_ancestral");
      ancestral.putObject("extra_data").put("split", 2);
      assertThat(refusal(client, Json.text(ancestral))).contains("node 3 (KSampler)");
      Client.Answer pinned = client.post("/prompt", body("x", 2, "2"), "X-TARGET-GPU", "1");
      assertThat(pinned.text()).contains("cannot_split");
      String id = client.accepted(body("x", 5, "true"));
      assertThat(names(client.ended(id, PATIENCE))).hasSize(5);
    }
  }

  private static String refusal(Client client, String body) {
    Client.Answer answer = client.post("/prompt", body);
    assertThat(answer.status()).as(answer.text()).isEqualTo(400);
    return answer.text();
  }

  private static ObjectNode workflow(String prefix, int batch) {
    return Client.workflow(
        Map.of(
            "5.width",
            64,
            "5.height",
            64,
            "5.batch_size",
            batch,
            "3.steps",
            2,
            "3.seed",
            11,
            "9.filename_prefix",
            prefix));
  }

  private static String body(String prefix, int batch, @Nullable String split) {
    return "{\"prompt\": %s, \"extra_data\": {%s}}"
        .formatted(Json.text(workflow(prefix, batch)), split == null ? "" : "\"split\": " + split);
  }

  private static List<String> names(JsonNode entry) {
    List<String> names = new ArrayList<>();
    entry.at("/outputs/9/images").forEach(image -> names.add(image.path("filename").asText()));
    return names;
  }

  private static boolean ran(ServerProcess server, int gpu) {
    return server.log().stream()
        .anyMatch(line -> line.contains("[GPU " + gpu + "] Prompt") && line.contains("#"));
  }

  /** The bodies of all chunks of a kind. */
  private static byte[] chunks(byte[] png, String kind) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    for (int at = 8; at + 12 <= png.length; ) {
      int length = ByteBuffer.wrap(png, at, 4).getInt();
      if (new String(png, at + 4, 4, StandardCharsets.ISO_8859_1).equals(kind)) {
        out.write(png, at + 8, length);
      }
      at += length + 12;
    }
    return out.toByteArray();
  }
}
