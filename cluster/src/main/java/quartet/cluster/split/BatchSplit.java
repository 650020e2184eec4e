package quartet.cluster.split;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Deque;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.UUID;
import org.jspecify.annotations.Nullable;

/**
 * A prompt with a batch, as several prompts with parts of that batch. Pure.
 *
 * <p>Each part makes the whole empty batch and takes its places out of it with {@code
 * LatentFromBatch}, which keeps the noise of each place. So a picture is the same as in the unsplit
 * batch if everything behind the batch treats each place by itself. What does is listed here; a
 * prompt with anything else is refused, with the node's name. Samplers that draw noise at every
 * step draw it for all places at once, and are refused for that.
 *
 * <p>The generator draws blocks of 16 numbers (see {@code TorchGenerator}), so the places of a
 * batch begin at a block, as they do when drawn one by one, only if a place has a multiple of 16.
 */
public final class BatchSplit {
  /** What a client asks for in {@code extra_data}: into so many parts. */
  public static final String FIELD = "split";

  /** Parent of the folders in which parts put their pictures, below the output folder. */
  static final String FOLDER = ".quartet-split";

  private static final String SOURCE = "EmptyLatentImage";
  private static final int MAX_BATCH = 64;
  private static final int BLOCK = 16;
  private static final int CHANNELS = 4;
  private static final int PIXELS_PER_LATENT = 8;

  private static final Set<String> SAVES = Set.of("SaveImage", "PreviewImage");

  /** Nodes that treat each place of a batch by itself. */
  private static final Set<String> ALONE =
      Set.of(
          "KSampler",
          "KSamplerAdvanced",
          "VAEDecode",
          "VAEDecodeTiled",
          "LatentUpscale",
          "ImageScale",
          "ImageScaleBy",
          "ImageInvert",
          "SaveImage",
          "PreviewImage");

  /** Samplers that draw no noise of their own and choose no steps by the whole batch. */
  private static final Set<String> STEADY =
      Set.of(
          "euler",
          "heun",
          "heunpp2",
          "dpm_2",
          "lms",
          "dpmpp_2m",
          "ddim",
          "uni_pc",
          "uni_pc_bh2",
          "ipndm",
          "ipndm_v",
          "deis");

  private BatchSplit() {}

  /** Parts, or why there are none. */
  public sealed interface Result {}

  /**
   * It can be split.
   *
   * @param batch places of the whole
   * @param added the node that was put into each part
   */
  public record Parts(int batch, String added, List<Part> parts) implements Result {
    /** Copies the list. */
    public Parts {
      parts = List.copyOf(parts);
    }
  }

  /** Some places of the batch as a prompt of its own. */
  public record Part(ObjectNode prompt, int from, int length) {}

  /**
   * It cannot.
   *
   * @param nodeId the node that forbids it, or null if one is missing
   */
  public record Refused(@Nullable String nodeId, String why) implements Result {}

  /**
   * Splits a checked prompt.
   *
   * @param outputs the output nodes that are wanted
   * @param wanted number of parts; there are never more than places
   */
  public static Result of(
      String promptId, ObjectNode prompt, Collection<String> outputs, int wanted) {
    Set<String> needed = upstream(prompt, outputs);
    List<String> sources =
        needed.stream()
            .filter(id -> SOURCE.equals(type(prompt, id)) && batch(prompt, id) > 1)
            .toList();
    if (sources.size() != 1) {
      return new Refused(
          sources.isEmpty() ? null : sources.get(1),
          sources.isEmpty()
              ? "there is no EmptyLatentImage whose batch_size is a number above 1"
              : "there is more than one EmptyLatentImage with a batch");
    }
    String source = sources.getFirst();
    Refused refused = forbids(prompt, source, needed, outputs);
    if (refused != null) {
      return refused;
    }
    int batch = batch(prompt, source);
    int count = Math.min(wanted, batch);
    String added = "split";
    while (prompt.has(added)) {
      added += "_";
    }
    List<Part> parts = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < count; i++) {
      int length = batch / count + (i < batch % count ? 1 : 0);
      parts.add(new Part(part(promptId, prompt, source, added, i, from, length), from, length));
      from += length;
    }
    return new Parts(batch, added, parts);
  }

  private static @Nullable Refused forbids(
      ObjectNode prompt, String source, Set<String> needed, Collection<String> outputs) {
    if (batch(prompt, source) > MAX_BATCH) {
      return new Refused(source, "its batch_size is above " + MAX_BATCH);
    }
    if (!whole(prompt, source)) {
      return new Refused(
          source,
          "a picture's latent must have a multiple of 16 numbers, and width and height of it"
              + " must be numbers: sizes that are multiples of 16 have");
    }
    Set<String> behind = downstream(prompt, source, needed);
    for (String id : behind) {
      String type = type(prompt, id);
      JsonNode inputs = prompt.path(id).path("inputs");
      if (!ALONE.contains(type)) {
        return new Refused(id, "it may mix the pictures of a batch");
      }
      if (inputs.has("sampler_name") && !STEADY.contains(inputs.path("sampler_name").asText())) {
        return new Refused(
            id,
            "the sampler '%s' draws noise or chooses steps for the whole batch; one of %s does not"
                .formatted(inputs.path("sampler_name").asText(), new TreeSet<>(STEADY)));
      }
      if (type.equals("LatentUpscale") && !whole(prompt, id)) {
        return new Refused(id, "its width and height must be numbers that are multiples of 16");
      }
      if (type.equals("SaveImage") && !inputs.path("filename_prefix").isTextual()) {
        return new Refused(id, "its filename_prefix must be a text");
      }
    }
    for (String id : outputs) {
      if (!SAVES.contains(type(prompt, id))) {
        return new Refused(id, "only SaveImage and PreviewImage can put parts together");
      }
      if (!behind.contains(id)) {
        return new Refused(id, "its pictures do not come from the batch");
      }
    }
    return null;
  }

  /** Whether a latent of this node's size begins at a block of the generator. */
  private static boolean whole(ObjectNode prompt, String id) {
    JsonNode inputs = prompt.path(id).path("inputs");
    JsonNode width = inputs.path("width");
    JsonNode height = inputs.path("height");
    if (!width.isNumber() || !height.isNumber()) {
      return false;
    }
    long elements =
        (long) CHANNELS
            * (width.asInt() / PIXELS_PER_LATENT)
            * (height.asInt() / PIXELS_PER_LATENT);
    return elements > 0 && elements % BLOCK == 0;
  }

  private static String type(ObjectNode prompt, String id) {
    return prompt.path(id).path("class_type").asText();
  }

  private static int batch(ObjectNode prompt, String id) {
    return prompt.path(id).path("inputs").path("batch_size").asInt(0);
  }

  /** Everything that these nodes need, themselves included. */
  private static Set<String> upstream(ObjectNode prompt, Collection<String> ids) {
    Set<String> found = new LinkedHashSet<>(ids);
    Deque<String> left = new ArrayDeque<>(ids);
    while (!left.isEmpty()) {
      for (String source : links(prompt, left.removeFirst())) {
        if (found.add(source)) {
          left.add(source);
        }
      }
    }
    return found;
  }

  private static Set<String> downstream(ObjectNode prompt, String source, Set<String> within) {
    Set<String> found = new LinkedHashSet<>();
    boolean grown = true;
    while (grown) {
      grown = false;
      for (String id : within) {
        if (!found.contains(id)
            && links(prompt, id).stream()
                .anyMatch(one -> one.equals(source) || found.contains(one))) {
          grown |= found.add(id);
        }
      }
    }
    return found;
  }

  private static Set<String> links(ObjectNode prompt, String id) {
    Set<String> sources = new LinkedHashSet<>();
    for (JsonNode input : prompt.path(id).path("inputs")) {
      if (input.isArray() && input.size() == 2 && prompt.has(input.path(0).asText())) {
        sources.add(input.path(0).asText());
      }
    }
    return sources;
  }

  /** Where a prompt's parts put their pictures, below the output folder. */
  static String folder(String promptId) {
    return FOLDER + "/" + key(promptId);
  }

  /** Ids come from clients, and are no names of files. */
  private static String key(String id) {
    return UUID.nameUUIDFromBytes(id.getBytes(StandardCharsets.UTF_8)).toString();
  }

  private static ObjectNode part(
      String promptId,
      ObjectNode prompt,
      String source,
      String added,
      int index,
      int from,
      int length) {
    ObjectNode part = prompt.deepCopy();
    for (Map.Entry<String, JsonNode> node : part.properties()) {
      JsonNode inputs = node.getValue().path("inputs");
      for (JsonNode input : inputs) {
        if (input instanceof ArrayNode link
            && link.size() == 2
            && link.path(0).asText().equals(source)) {
          link.removeAll().add(added).add(0);
        }
      }
      if (type(part, node.getKey()).equals("SaveImage") && inputs instanceof ObjectNode save) {
        save.put("filename_prefix", folder(promptId) + "/" + index + "/" + key(node.getKey()));
      }
    }
    ObjectNode node = part.putObject(added).put("class_type", "LatentFromBatch");
    ObjectNode inputs = node.putObject("inputs");
    inputs.putArray("samples").add(source).add(0);
    inputs.put("batch_index", from).put("length", length);
    return part;
  }
}
