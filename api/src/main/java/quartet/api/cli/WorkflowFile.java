package quartet.api.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import quartet.api.wire.Json;
import quartet.api.wire.PromptRequest;
import quartet.engine.workflow.WorkflowConverter;
import quartet.errors.EngineException;
import quartet.image.PngText;

/** A workflow on disk: a prompt, bare or wrapped; as the editor saves it; or a PNG with either. */
final class WorkflowFile {
  private static final byte PNG_FIRST_BYTE = (byte) 0x89;

  private WorkflowFile() {}

  /** What a file holds. */
  sealed interface Content {
    /** A prompt, ready to run. */
    record Prompt(ObjectNode nodes) implements Content {}

    /** A workflow of the editor, to be converted where its nodes are known. */
    record Editor(ObjectNode workflow) implements Content {}
  }

  /**
   * A prompt for a measurement, with changes.
   *
   * @throws EngineException if the file is not in API form
   */
  static ObjectNode prompt(Path file, List<String> changes) {
    return switch (read(file)) {
      case Content.Prompt ready -> changed(ready.nodes(), changes);
      case Content.Editor ignored ->
          throw new EngineException(
              CliError.WORKFLOW_INVALID,
              "%s is the editor's form; a load needs the API form (File > Export (API), or POST it to /workflow/convert)."
                  .formatted(file));
    };
  }

  /**
   * Reads a file.
   *
   * @throws EngineException naming the file and the place, if it cannot be used
   */
  static Content read(Path file) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new EngineException(
          CliError.WORKFLOW_UNREADABLE, "Cannot read the workflow " + file + ": " + e, e);
    }
    boolean picture = bytes.length > 0 && bytes[0] == PNG_FIRST_BYTE;
    if (picture) {
      Map<String, String> text = PngText.read(file);
      String workflow = text.getOrDefault("prompt", text.get("workflow"));
      if (workflow == null) {
        throw new EngineException(
            CliError.WORKFLOW_UNREADABLE,
            file + " is a PNG without a workflow in it; was it saved with --disable-metadata?");
      }
      bytes = workflow.getBytes(StandardCharsets.UTF_8);
    }
    try {
      if (Json.parse(bytes) instanceof ObjectNode json && WorkflowConverter.isEditorForm(json)) {
        return new Content.Editor(json);
      }
      return new Content.Prompt(PromptRequest.read(bytes).prompt());
    } catch (JsonProcessingException e) {
      throw new EngineException(
          CliError.WORKFLOW_UNREADABLE,
          "%s is not valid JSON: line %d, column %d: %s"
              .formatted(
                  file,
                  e.getLocation() == null ? 0 : e.getLocation().getLineNr(),
                  e.getLocation() == null ? 0 : e.getLocation().getColumnNr(),
                  e.getOriginalMessage()),
          e);
    } catch (PromptRequest.Malformed e) {
      throw new EngineException(
          CliError.WORKFLOW_UNREADABLE,
          "%s is no workflow: %s: %s".formatted(file, e.error().message(), e.error().details()));
    }
  }

  /**
   * Applies changes.
   *
   * @param changes each {@code node.input=value}; the value is JSON if it parses, else text
   */
  static ObjectNode changed(ObjectNode prompt, List<String> changes) {
    changes.forEach(change -> apply(prompt, change));
    return prompt;
  }

  private static void apply(ObjectNode prompt, String change) {
    int equals = change.indexOf('=');
    int dot = change.lastIndexOf('.', equals < 0 ? change.length() : equals);
    if (equals < 0 || dot < 0) {
      throw new EngineException(
          CliError.BAD_CHANGE,
          "--set %s is not understood; write NODE.INPUT=VALUE, for example --set 6.text=\"a sunset\""
              .formatted(change));
    }
    String nodeId = change.substring(0, dot);
    String input = change.substring(dot + 1, equals);
    if (!(prompt.path(nodeId).path("inputs") instanceof ObjectNode inputs)) {
      throw new EngineException(
          CliError.BAD_CHANGE,
          "--set %s: the workflow has no node '%s'; its nodes are %s"
              .formatted(change, nodeId, names(prompt)));
    }
    if (!inputs.has(input)) {
      throw new EngineException(
          CliError.BAD_CHANGE,
          "--set %s: node '%s' has no input '%s'; its inputs are %s"
              .formatted(change, nodeId, input, names(inputs)));
    }
    inputs.set(input, value(change.substring(equals + 1), inputs.get(input)));
  }

  private static JsonNode value(String text, JsonNode before) {
    if (before.isTextual()) {
      return TextNode.valueOf(text);
    }
    try {
      return Json.parse(text.getBytes(StandardCharsets.UTF_8));
    } catch (JsonProcessingException e) {
      return TextNode.valueOf(text);
    }
  }

  private static List<String> names(ObjectNode object) {
    return object.properties().stream().map(Map.Entry::getKey).toList();
  }
}
