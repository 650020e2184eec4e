package quartet.api.wire;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import quartet.cluster.job.PromptJob;
import quartet.engine.exec.ExecutionOutcome;

/** The data of WebSocket events and of history messages. */
public final class EventJson {
  private EventJson() {}

  /** {@code {"type", "data"}}. */
  public static ObjectNode event(String type, ObjectNode data) {
    ObjectNode event = Json.object().put("type", type);
    event.set("data", data);
    return event;
  }

  /** {@code status}. */
  public static ObjectNode status(int remaining) {
    ObjectNode data = Json.object();
    data.putObject("status").putObject("exec_info").put("queue_remaining", remaining);
    return data;
  }

  /** {@code execution_start}. */
  public static ObjectNode start(String promptId, long timestamp) {
    return Json.object().put("prompt_id", promptId).put("timestamp", timestamp);
  }

  /** {@code execution_cached}. */
  public static ObjectNode cached(String promptId, List<String> nodes, long timestamp) {
    ObjectNode data = Json.object();
    nodes.forEach(data.putArray("nodes")::add);
    return data.put("prompt_id", promptId).put("timestamp", timestamp);
  }

  /** The name of the event that ends a prompt. */
  public static String endType(ExecutionOutcome outcome) {
    return switch (outcome) {
      case ExecutionOutcome.Succeeded ignored -> "execution_success";
      case ExecutionOutcome.Failed ignored -> "execution_error";
      case ExecutionOutcome.Interrupted ignored -> "execution_interrupted";
    };
  }

  /**
   * {@code execution_error} of a node that did not run because its input is blocked. The prompt
   * goes on; hence no timestamp.
   */
  public static ObjectNode blocked(
      String promptId, String nodeId, String nodeType, String message) {
    ObjectNode data = Json.object().put("prompt_id", promptId);
    data.put("node_id", nodeId).put("node_type", nodeType);
    data.putArray("executed");
    data.put("exception_message", "Execution Blocked: " + message);
    data.put("exception_type", "ExecutionBlocked");
    data.putArray("traceback");
    data.putArray("current_inputs");
    data.putArray("current_outputs");
    return data;
  }

  /** {@code execution_success}, {@code execution_error} or {@code execution_interrupted}. */
  public static ObjectNode end(PromptJob job, ExecutionOutcome outcome, long timestamp) {
    ObjectNode data = Json.object().put("prompt_id", job.promptId());
    switch (outcome) {
      case ExecutionOutcome.Succeeded ignored -> {}
      case ExecutionOutcome.Interrupted stopped -> {
        data.put("node_id", stopped.nodeId()).put("node_type", stopped.nodeType());
        stopped.executed().forEach(data.putArray("executed")::add);
      }
      case ExecutionOutcome.Failed failed -> {
        data.put("node_id", failed.nodeId()).put("node_type", failed.nodeType());
        failed.executed().forEach(data.putArray("executed")::add);
        data.put("exception_message", failed.message() + "\n");
        data.put("exception_type", failed.exceptionType());
        ArrayNode traceback = data.putArray("traceback");
        failed.traceback().forEach(line -> traceback.add(line + "\n"));
        data.set("current_inputs", failed.currentInputs());
        ArrayNode outputs = data.putArray("current_outputs");
        job.prompt().fieldNames().forEachRemaining(outputs::add);
      }
    }
    return data.put("timestamp", timestamp);
  }
}
