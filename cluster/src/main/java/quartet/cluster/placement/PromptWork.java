package quartet.cluster.placement;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HashMap;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import org.jspecify.annotations.Nullable;

/**
 * What a prompt asks of a device, read off its JSON: which checkpoints, how many pixel-steps, and
 * which of its samplings another prompt may have done already.
 *
 * @param checkpoints file names as the prompt gives them
 * @param models the same as one text, equal for equal sets
 * @param stages pixel-steps of each sampling, by a key that is equal for equal inputs: one is a
 *     step over one picture of 512x512
 * @param images pictures of 512x512 that are in memory at once
 */
public record PromptWork(
    Set<String> checkpoints, String models, Map<String, Double> stages, double images) {
  private static final double PIXELS_PER_IMAGE = 512.0 * 512.0;
  private static final int MAX_DEPTH = 500;
  private static final String[] LATENT_LINKS = {"latent_image", "samples", "latent"};

  /** No work that is known of. */
  public static final PromptWork NONE = new PromptWork(Set.of(), "", Map.of(), 1);

  /** Copies the collections. */
  public PromptWork {
    checkpoints = Set.copyOf(checkpoints);
    stages = Map.copyOf(stages);
  }

  /** Reads a checked prompt. */
  public static PromptWork of(ObjectNode prompt, Set<String> checkpoints) {
    Reader reader = new Reader(prompt);
    double largest = 0;
    for (JsonNode node : prompt) {
      largest = Math.max(largest, images(node.path("inputs"), 0));
    }
    double otherwise = largest > 0 ? largest : 1;
    Map<String, Double> stages = new LinkedHashMap<>();
    prompt
        .properties()
        .forEach(
            node -> {
              JsonNode inputs = node.getValue().path("inputs");
              if (inputs.path("steps").isNumber()) {
                double steps = steps(inputs);
                stages.put(
                    reader.key(node.getKey(), 0),
                    steps * reader.imagesOf(node.getKey(), otherwise, 0));
              }
            });
    return new PromptWork(checkpoints, models(checkpoints), stages, otherwise);
  }

  /** Work of so many pixel-steps that no other prompt has done, for planning. */
  public static PromptWork of(Set<String> checkpoints, String stage, double units) {
    return new PromptWork(checkpoints, models(checkpoints), Map.of(stage, units), 1);
  }

  private static String models(Set<String> checkpoints) {
    return String.join("\n", new TreeSet<>(checkpoints));
  }

  /** All pixel-steps. */
  public double units() {
    return stages.values().stream().mapToDouble(Double::doubleValue).sum();
  }

  /** Pixel-steps that remain where these stages are cached. */
  public double unitsWithout(Set<String> cached) {
    double units = 0;
    for (Map.Entry<String, Double> stage : stages.entrySet()) {
      units += cached.contains(stage.getKey()) ? 0 : stage.getValue();
    }
    return units;
  }

  private static double steps(JsonNode inputs) {
    double steps = inputs.path("steps").asDouble();
    double from = Math.min(steps, inputs.path("start_at_step").asDouble(0));
    double to = Math.min(steps, inputs.path("end_at_step").asDouble(steps));
    return Math.max(0, to - from);
  }

  private static double images(JsonNode inputs, double otherwise) {
    if (!inputs.path("width").isNumber() || !inputs.path("height").isNumber()) {
      return otherwise;
    }
    double pixels = inputs.path("width").asDouble() * inputs.path("height").asDouble();
    return pixels * Math.max(1, inputs.path("batch_size").asDouble(1)) / PIXELS_PER_IMAGE;
  }

  /** Follows links; a prompt that was checked has no loops, and depth is bounded all the same. */
  private static final class Reader {
    private final ObjectNode prompt;
    private final Map<String, String> keys = new HashMap<>();

    Reader(ObjectNode prompt) {
      this.prompt = prompt;
    }

    String key(String nodeId, int depth) {
      String known = keys.get(nodeId);
      if (known != null || depth > MAX_DEPTH) {
        return known == null ? nodeId : known;
      }
      JsonNode node = prompt.path(nodeId);
      StringBuilder text = new StringBuilder(node.path("class_type").asText());
      Map<String, JsonNode> inputs = new TreeMap<>();
      node.path("inputs").properties().forEach(one -> inputs.put(one.getKey(), one.getValue()));
      inputs.forEach(
          (name, value) -> {
            String source = source(value);
            text.append('\n').append(name).append('=');
            text.append(
                source == null
                    ? value.toString()
                    : "@" + key(source, depth + 1) + "/" + value.path(1).asInt());
          });
      String key = sha256(text.toString());
      keys.put(nodeId, key);
      return key;
    }

    double imagesOf(String nodeId, double otherwise, int depth) {
      JsonNode inputs = prompt.path(nodeId).path("inputs");
      double own = images(inputs, 0);
      if (own > 0 || depth > MAX_DEPTH) {
        return own > 0 ? own : otherwise;
      }
      for (String link : LATENT_LINKS) {
        String source = source(inputs.path(link));
        if (source != null) {
          return imagesOf(source, otherwise, depth + 1);
        }
      }
      return otherwise;
    }

    private @Nullable String source(JsonNode value) {
      return value.isArray() && value.size() == 2 && prompt.has(value.path(0).asText())
          ? value.path(0).asText()
          : null;
    }
  }

  private static String sha256(String text) {
    try {
      byte[] digest =
          MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
      return HexFormat.of().formatHex(digest, 0, 16);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("this JDK has no SHA-256", e);
    }
  }
}
