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
import quartet.api.wire.Json;
import quartet.api.wire.PromptRequest;
import quartet.errors.EngineException;

/** A workflow on disk, in the API form, bare or wrapped. */
final class WorkflowFile {
  private WorkflowFile() {}

  /**
   * Reads a file and applies changes.
   *
   * @param changes each {@code node.input=value}; the value is JSON if it parses, else text
   * @throws EngineException naming the file and the place, if it cannot be used
   */
  static ObjectNode read(Path file, List<String> changes) {
    byte[] bytes;
    try {
      bytes = Files.readAllBytes(file);
    } catch (IOException e) {
      throw new EngineException(
          CliError.WORKFLOW_UNREADABLE, "Cannot read the workflow " + file + ": " + e, e);
    }
    ObjectNode prompt;
    try {
      prompt = PromptRequest.read(bytes).prompt();
    } catch (PromptRequest.Malformed e) {
      throw new EngineException(
          CliError.WORKFLOW_UNREADABLE,
          "%s is no workflow in API form: %s: %s"
              .formatted(file, e.error().message(), e.error().details()));
    }
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
    return object.properties().stream().map(java.util.Map.Entry::getKey).toList();
  }
}
