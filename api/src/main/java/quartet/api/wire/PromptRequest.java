package quartet.api.wire;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashSet;
import java.util.Set;
import java.util.UUID;
import java.util.regex.Pattern;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import quartet.cluster.node.Turns;
import quartet.cluster.queue.Waiting;
import quartet.engine.graph.PromptError;

/**
 * The body of {@code POST /prompt}: wrapped as {@code {"prompt": {…}, …}}, or bare, the nodes
 * alone.
 *
 * @param number place in the queue as the client wants it, or null
 * @param targets output nodes that are wanted, or null for all
 */
public record PromptRequest(
    ObjectNode prompt,
    String promptId,
    @Nullable String clientId,
    ObjectNode extraData,
    @Nullable Double number,
    boolean front,
    @Nullable Set<String> targets) {
  /** Part of a persistence id, of paths and of log lines. Empty means none. */
  private static final Pattern ID = Pattern.compile("[-\\w.:]{0,200}");

  /** A body that is no prompt. */
  public static final class Malformed extends Exception {
    private static final long serialVersionUID = 1L;
    private final transient PromptError error;

    Malformed(String type, String message, String details) {
      super(message);
      this.error = new PromptError(type, message, details);
    }

    /** In the form of the wire. */
    public PromptError error() {
      return error;
    }
  }

  /**
   * Reads a body, whatever content type it came with.
   *
   * @throws Malformed saying what is wrong and where
   */
  public static PromptRequest read(byte[] body) throws Malformed {
    JsonNode json;
    try {
      json = Json.parse(body);
    } catch (JsonProcessingException e) {
      String where =
          e.getLocation() == null
              ? ""
              : "line %d, column %d: "
                  .formatted(e.getLocation().getLineNr(), e.getLocation().getColumnNr());
      throw new Malformed(
          "invalid_json",
          "The request body is not valid JSON",
          where + e.getOriginalMessage().replaceAll("\\s*\\(start marker at .*", ""));
    }
    if (!(json instanceof ObjectNode object)) {
      throw new Malformed(
          "no_prompt",
          "No prompt provided",
          "the body must be a JSON object, with or without 'prompt'");
    }
    return object.has("prompt") ? wrapped(object) : bare(object);
  }

  private static PromptRequest bare(ObjectNode object) throws Malformed {
    boolean looksLikeNodes =
        !object.isEmpty()
            && StreamSupport.stream(object.spliterator(), false).allMatch(JsonNode::isObject)
            && StreamSupport.stream(object.spliterator(), false)
                .anyMatch(node -> node.has("class_type"));
    if (!looksLikeNodes) {
      throw new Malformed(
          "no_prompt", "No prompt provided", "the body has no 'prompt' and no nodes");
    }
    return new PromptRequest(
        object, UUID.randomUUID().toString(), null, Json.object(), null, false, null);
  }

  private static PromptRequest wrapped(ObjectNode object) throws Malformed {
    if (!(object.get("prompt") instanceof ObjectNode prompt)) {
      throw new Malformed("no_prompt", "No prompt provided", "'prompt' must be an object of nodes");
    }
    for (JsonNode node : prompt) {
      if (!node.isObject()) {
        throw new Malformed("invalid_prompt", "A node is not an object", node.toString());
      }
    }
    ObjectNode extra =
        object.get("extra_data") instanceof ObjectNode given ? given.deepCopy() : Json.object();
    checkTurn(extra);
    String clientId = text(object.get("client_id"));
    if (clientId != null) {
      extra.put("client_id", clientId);
    }
    extra.remove("auth_token_comfy_org");
    extra.remove("api_key_comfy_org");
    JsonNode number = object.get("number");
    if (number != null && !number.isNumber()) {
      throw new Malformed("invalid_prompt", "'number' must be a number", number.toString());
    }
    String id = text(object.get("prompt_id"));
    if (id != null && !ID.matcher(id).matches()) {
      throw new Malformed(
          "invalid_prompt_id",
          "'prompt_id' cannot be used",
          "it must be at most 200 letters, digits, '-', '_', '.' or ':'; a UUID is best");
    }
    return new PromptRequest(
        prompt,
        id == null || id.isBlank() ? UUID.randomUUID().toString() : id,
        clientId == null ? text(extra.get("client_id")) : clientId,
        extra,
        number == null ? null : number.doubleValue(),
        object.path("front").asBoolean(false),
        targets(object.get("partial_execution_targets")));
  }

  /** Priority and deadline: ours, so a wrong one is an error and not ignored. */
  private static void checkTurn(ObjectNode extra) throws Malformed {
    JsonNode priority = extra.path(Turns.PRIORITY);
    if (!priority.isMissingNode()
        && !(priority.isIntegralNumber() && Math.abs(priority.asLong()) <= Waiting.MAX_PRIORITY)) {
      throw new Malformed(
          "invalid_prompt",
          "'extra_data.priority' must be a whole number from %d to %d"
              .formatted(-Waiting.MAX_PRIORITY, Waiting.MAX_PRIORITY),
          priority.toString());
    }
    JsonNode deadline = extra.path(Turns.DEADLINE);
    if (!deadline.isMissingNode() && !(deadline.isNumber() && deadline.asDouble() > 0)) {
      throw new Malformed(
          "invalid_prompt",
          "'extra_data.deadline' must be the seconds within which the prompt must have started",
          deadline.toString());
    }
  }

  private static @Nullable Set<String> targets(@Nullable JsonNode list) {
    if (list == null || !list.isArray()) {
      return null;
    }
    Set<String> targets = new LinkedHashSet<>();
    list.forEach(one -> targets.add(one.asText()));
    return targets;
  }

  private static @Nullable String text(@Nullable JsonNode node) {
    return node == null || node.isNull() ? null : node.asText();
  }
}
