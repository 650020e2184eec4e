package quartet.cluster.split;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.time.ZoneId;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.files.OutputNames;
import quartet.errors.EngineException;

/**
 * Puts a split prompt's pictures together: under the names that the unsplit batch would have given
 * them, in its order, with the prompt inside that the client has posted.
 *
 * <p>Thread: one that may block.
 */
public final class SplitJoin {
  private static final Logger LOG = LoggerFactory.getLogger(SplitJoin.class);
  private static final int HEADER = 8;
  private static final int CHUNK_OVERHEAD = 12;
  private static final byte[] KEY = "prompt\0".getBytes(StandardCharsets.ISO_8859_1);

  private SplitJoin() {}

  /**
   * The outcome of the whole.
   *
   * @param output the folder of pictures
   * @param subfolder reads a subfolder as the parts name it
   * @throws EngineException if a picture cannot be moved
   */
  public static ExecutionOutcome join(SplitRun run, Path output, UnaryOperator<String> subfolder) {
    Path parts = output.resolve(BatchSplit.folder(run.whole().promptId()));
    try {
      for (ExecutionOutcome outcome : run.outcomes()) {
        if (outcome instanceof ExecutionOutcome.Failed) {
          return outcome;
        }
      }
      for (ExecutionOutcome outcome : run.outcomes()) {
        if (outcome instanceof ExecutionOutcome.Interrupted) {
          return outcome;
        }
      }
      Map<String, ObjectNode> shown = new LinkedHashMap<>();
      for (String node : run.whole().outputs()) {
        shown.put(node, node(run, node, output, subfolder));
      }
      return new ExecutionOutcome.Succeeded(shown);
    } finally {
      delete(parts);
    }
  }

  private static ObjectNode node(
      SplitRun run, String node, Path output, UnaryOperator<String> subfolder) {
    ObjectNode ui = JsonNodeFactory.instance.objectNode();
    ArrayNode images = ui.putArray("images");
    JsonNode prefix = run.whole().prompt().path(node).path("inputs").path("filename_prefix");
    int index = 0;
    for (ExecutionOutcome outcome : run.outcomes()) {
      ObjectNode part = outcome.shown().get(node);
      for (JsonNode image : part == null ? ui.arrayNode() : part.path("images")) {
        if (image.path("type").asText().equals("output")) {
          Path file =
              output
                  .resolve(subfolder.apply(image.path("subfolder").asText()))
                  .resolve(image.path("filename").asText());
          images.add(publish(run.whole(), file, output, prefix.asText("ComfyUI"), index++));
        } else {
          images.add(image);
        }
      }
    }
    return ui;
  }

  private static ObjectNode publish(
      PromptJob job, Path file, Path output, String prefix, int index) {
    try {
      byte[] png = Files.readAllBytes(file);
      ByteBuffer header =
          ByteBuffer.wrap(png, HEADER + 8, 8); // width and height, after the chunk's head
      OutputNames.Target target =
          OutputNames.target(
              output,
              prefix,
              header.getInt(),
              header.getInt(),
              LocalDateTime.now(ZoneId.systemDefault()));
      Path unfinished = OutputNames.unfinished(target);
      Files.write(unfinished, withPrompt(png, job.prompt()));
      Path published = OutputNames.publish(target, index, unfinished);
      Files.deleteIfExists(file);
      return JsonNodeFactory.instance
          .objectNode()
          .put("filename", published.getFileName().toString())
          .put("subfolder", target.subfolder())
          .put("type", "output");
    } catch (IOException e) {
      throw new EngineException(
          quartet.engine.files.FileError.FOLDER_UNUSABLE,
          "The picture %s of a split batch cannot be moved to its name: %s".formatted(file, e),
          e);
    }
  }

  /** A PNG file whose text {@code prompt}, if it has one, is this prompt. */
  static byte[] withPrompt(byte[] png, ObjectNode prompt) {
    ByteArrayOutputStream out = new ByteArrayOutputStream(png.length);
    out.write(png, 0, HEADER);
    int at = HEADER;
    while (at + CHUNK_OVERHEAD <= png.length) {
      int length = ByteBuffer.wrap(png, at, 4).getInt();
      boolean replaced =
          new String(png, at + 4, 4, StandardCharsets.ISO_8859_1).equals("tEXt")
              && length >= KEY.length
              && java.util.Arrays.equals(
                  KEY, java.util.Arrays.copyOfRange(png, at + 8, at + 8 + KEY.length));
      if (replaced) {
        write(out, prompt);
      } else {
        out.write(png, at, length + CHUNK_OVERHEAD);
      }
      at += length + CHUNK_OVERHEAD;
    }
    return out.toByteArray();
  }

  private static void write(ByteArrayOutputStream out, ObjectNode prompt) {
    byte[] text;
    try {
      text =
          JsonMapper.builder()
              .configure(JsonWriteFeature.ESCAPE_NON_ASCII, true)
              .build()
              .writeValueAsBytes(prompt);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException("a parsed JSON tree could not be written", e);
    }
    ByteBuffer body = ByteBuffer.allocate(4 + KEY.length + text.length);
    body.put("tEXt".getBytes(StandardCharsets.ISO_8859_1)).put(KEY).put(text);
    CRC32 crc = new CRC32();
    crc.update(body.array());
    out.writeBytes(ByteBuffer.allocate(4).putInt(KEY.length + text.length).array());
    out.writeBytes(body.array());
    out.writeBytes(ByteBuffer.allocate(4).putInt((int) crc.getValue()).array());
  }

  private static void delete(Path folder) {
    if (!Files.isDirectory(folder)) {
      return;
    }
    try (Stream<Path> all = Files.walk(folder)) {
      for (Path one : all.sorted(Comparator.reverseOrder()).toList()) {
        Files.deleteIfExists(one);
      }
      Files.deleteIfExists(folder.getParent());
    } catch (java.nio.file.DirectoryNotEmptyException e) {
      LOG.debug("parts of other prompts are still in {}", folder.getParent());
    } catch (IOException e) {
      LOG.warn("cannot delete the parts of a split batch in {}: {}", folder, e.toString());
    }
  }
}
