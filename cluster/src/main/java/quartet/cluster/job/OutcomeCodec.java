package quartet.cluster.job;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.LinkedHashMap;
import java.util.Map;
import quartet.cluster.job.FactCodec.FieldException;
import quartet.cluster.job.FactCodec.Fields;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/** How a prompt ended, as part of a stored fact. The rules of {@link FactCodec} hold here too. */
public final class OutcomeCodec {
  private OutcomeCodec() {}

  /** An outcome as JSON. */
  public static ObjectNode json(ExecutionOutcome outcome) {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    switch (outcome) {
      case ExecutionOutcome.Succeeded ignored -> json.put("type", "succeeded");
      case ExecutionOutcome.Failed failed -> {
        json.put("type", "failed").put("node_id", failed.nodeId());
        json.put("node_type", failed.nodeType()).put("kind", failed.kind().name());
        json.put("message", failed.message()).put("exception_type", failed.exceptionType());
        json.set("traceback", FactCodec.texts(failed.traceback()));
        json.set("executed", FactCodec.texts(failed.executed()));
        json.set("current_inputs", failed.currentInputs());
      }
      case ExecutionOutcome.Interrupted stopped -> {
        json.put("type", "interrupted").put("node_id", stopped.nodeId());
        json.put("node_type", stopped.nodeType());
        json.set("executed", FactCodec.texts(stopped.executed()));
      }
    }
    ObjectNode shown = json.putObject("shown");
    outcome.shown().forEach(shown::set);
    return json;
  }

  /**
   * What {@link #json} wrote, in the same version.
   *
   * @throws IllegalArgumentException naming the field, if it is something else
   */
  public static ExecutionOutcome read(ObjectNode json) {
    try {
      return outcome(json);
    } catch (FieldException e) {
      throw new IllegalArgumentException(e.getMessage(), e);
    }
  }

  static ExecutionOutcome outcome(ObjectNode json) throws FieldException {
    Map<String, ObjectNode> shown = shown(Fields.object(json, "shown"));
    String type = Fields.text(json, "type");
    return switch (type) {
      case "succeeded" -> new ExecutionOutcome.Succeeded(shown);
      case "failed" ->
          new ExecutionOutcome.Failed(
              shown,
              Fields.text(json, "node_id"),
              Fields.text(json, "node_type"),
              kind(Fields.text(json, "kind")),
              Fields.text(json, "message"),
              Fields.text(json, "exception_type"),
              Fields.texts(json, "traceback"),
              Fields.texts(json, "executed"),
              Fields.object(json, "current_inputs"));
      case "interrupted" ->
          new ExecutionOutcome.Interrupted(
              shown,
              Fields.text(json, "node_id"),
              Fields.text(json, "node_type"),
              Fields.texts(json, "executed"));
      default -> throw new FieldException("outcome.type", "known outcome ('" + type + "')");
    };
  }

  private static Map<String, ObjectNode> shown(ObjectNode json) throws FieldException {
    Map<String, ObjectNode> shown = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> node : json.properties()) {
      if (!(node.getValue() instanceof ObjectNode ui)) {
        throw new FieldException("shown." + node.getKey(), "object");
      }
      shown.put(node.getKey(), ui);
    }
    return shown;
  }

  /** Kinds come and go between versions; the prompt's end is worth more than its kind. */
  private static ErrorKind kind(String name) {
    for (ErrorKind kind : ErrorKind.values()) {
      if (kind.name().equals(name)) {
        return kind;
      }
    }
    return ErrorKind.INTERNAL;
  }
}
