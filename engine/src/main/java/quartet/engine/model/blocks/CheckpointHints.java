package quartet.engine.model.blocks;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.MissingNode;
import java.util.Optional;
import java.util.OptionalInt;
import quartet.safetensors.SafetensorsFile;

/**
 * Numbers that shapes do not show, from the JSON in a file's {@code config} metadata. Published
 * checkpoints have none; small ones made for demonstrations and tests do.
 */
public final class CheckpointHints {
  private final JsonNode config;

  private CheckpointHints(JsonNode config) {
    this.config = config;
  }

  /** The hints of a file; none if it has no such metadata or other text in it. */
  public static CheckpointHints of(SafetensorsFile file) {
    String text = file.metadata().get("config");
    if (text == null) {
      return new CheckpointHints(MissingNode.getInstance());
    }
    try {
      return new CheckpointHints(new ObjectMapper().readTree(text));
    } catch (JsonProcessingException e) {
      return new CheckpointHints(MissingNode.getInstance());
    }
  }

  /** A text by name. */
  public Optional<String> text(String name) {
    JsonNode node = config.path(name);
    return node.isTextual() ? Optional.of(node.textValue()) : Optional.empty();
  }

  /** A positive integer by name. */
  public OptionalInt positive(String name) {
    JsonNode node = config.path(name);
    return node.isInt() && node.intValue() > 0
        ? OptionalInt.of(node.intValue())
        : OptionalInt.empty();
  }
}
