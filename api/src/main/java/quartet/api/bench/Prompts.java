package quartet.api.bench;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.net.URLEncoder;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import quartet.errors.EngineException;

/** Prompts on their way to a server, and their pictures on the way back. */
final class Prompts {
  private static final List<String> SEEDS = List.of("seed", "noise_seed");

  private Prompts() {}

  /** A copy in which every seed is this one. */
  static ObjectNode seeded(ObjectNode workflow, long seed) {
    ObjectNode prompt = workflow.deepCopy();
    for (JsonNode node : prompt) {
      if (node.path("inputs") instanceof ObjectNode inputs) {
        for (String name : SEEDS) {
          if (inputs.path(name).isNumber()) {
            inputs.put(name, seed);
          }
        }
      }
    }
    return prompt;
  }

  /**
   * The pictures of an ended prompt, in the order of the history.
   *
   * @throws EngineException if it failed, or one of them cannot be fetched
   */
  static List<byte[]> pictures(ServerClient client, String id, boolean success) {
    JsonNode entry = client.get("/history/" + id).json().path(id);
    if (!success) {
      throw new EngineException(
          BenchError.PROMPT_FAILED,
          "prompt %s failed: %s".formatted(id, entry.path("status").path("messages")));
    }
    List<byte[]> pictures = new ArrayList<>();
    for (JsonNode shown : entry.path("outputs")) {
      for (JsonNode image : shown.path("images")) {
        ServerClient.Answer picture =
            client.get(
                "/view?filename=%s&subfolder=%s&type=%s"
                    .formatted(
                        encoded(image, "filename"),
                        encoded(image, "subfolder"),
                        encoded(image, "type")));
        if (picture.status() != 200 || picture.body().length == 0) {
          throw new EngineException(
              BenchError.PROMPT_FAILED, "the picture of prompt %s cannot be fetched".formatted(id));
        }
        pictures.add(picture.body());
      }
    }
    return pictures;
  }

  private static String encoded(JsonNode image, String field) {
    return URLEncoder.encode(image.path(field).asText(), StandardCharsets.UTF_8);
  }
}
