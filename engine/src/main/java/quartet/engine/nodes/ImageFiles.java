package quartet.engine.nodes;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectWriter;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.LinkedHashMap;
import java.util.Map;
import quartet.engine.files.OutputNames;
import quartet.engine.node.NodeContext;
import quartet.engine.value.ImageBatch;
import quartet.errors.EngineException;
import quartet.image.Pixels;
import quartet.image.PngWriter;

/** Writes a batch of pictures as PNG files with the prompt in them, and says where they are. */
final class ImageFiles {
  private static final ObjectWriter ASCII_JSON =
      JsonMapper.builder().configure(JsonWriteFeature.ESCAPE_NON_ASCII, true).build().writer();

  private ImageFiles() {}

  /**
   * Writes the pictures.
   *
   * @param type {@code output} or {@code temp}, as clients ask for it at {@code /view}
   * @param level zlib level
   * @return {@code {"images": [{"filename", "subfolder", "type"}]}}
   */
  static ObjectNode write(
      ImageBatch images, Path root, String prefix, String type, int level, NodeContext context) {
    OutputNames.Target target =
        OutputNames.target(
            root,
            prefix,
            images.width(),
            images.height(),
            LocalDateTime.now(ZoneId.systemDefault()));
    Map<String, String> text = context.writeMetadata() ? metadata(context) : Map.of();
    ObjectNode ui = JsonNodeFactory.instance.objectNode();
    ArrayNode list = ui.putArray("images");
    for (int i = 0; i < images.batch(); i++) {
      Path unfinished = OutputNames.unfinished(target);
      Pixels pixels =
          Pixels.of(images.values(), i, images.height(), images.width(), images.channels());
      Path file;
      try {
        PngWriter.write(unfinished, pixels, text, level);
        file = OutputNames.publish(target, i, unfinished);
      } catch (EngineException e) {
        discard(unfinished, e);
        throw e;
      }
      list.addObject()
          .put("filename", file.getFileName().toString())
          .put("subfolder", target.subfolder())
          .put("type", type);
    }
    return ui;
  }

  /** Takes an unfinished file away. */
  static void discard(Path unfinished, EngineException reason) {
    try {
      Files.deleteIfExists(unfinished);
    } catch (IOException e) {
      reason.addSuppressed(e);
    }
  }

  /** The prompt and whatever the client wants beside it, as texts. */
  static Map<String, String> metadata(NodeContext context) {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("prompt", json(context.prompt()));
    for (Map.Entry<String, JsonNode> extra : context.extraPngInfo().properties()) {
      text.put(extra.getKey(), json(extra.getValue()));
    }
    return text;
  }

  private static String json(JsonNode node) {
    try {
      return ASCII_JSON.writeValueAsString(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a parsed JSON tree could not be written", e);
    }
  }
}
