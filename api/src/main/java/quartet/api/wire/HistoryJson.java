package quartet.api.wire;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import quartet.cluster.job.PromptRecord;
import quartet.engine.exec.ExecutionOutcome;

/** Ended prompts as {@code /history} shows them. */
public final class HistoryJson {
  private HistoryJson() {}

  /** {@code {"<prompt id>": entry, …}} in the given order. */
  public static ObjectNode of(List<PromptRecord> records) {
    ObjectNode json = Json.object();
    records.forEach(record -> json.set(record.job().promptId(), entry(record)));
    return json;
  }

  private static ObjectNode entry(PromptRecord record) {
    String promptId = record.job().promptId();
    ObjectNode entry = Json.object();
    entry.set("prompt", QueueJson.tuple(record.job()));
    ObjectNode outputs = entry.putObject("outputs");
    ObjectNode meta = Json.object();
    record
        .outcome()
        .shown()
        .forEach(
            (id, ui) -> {
              outputs.set(id, ui);
              ObjectNode node = meta.putObject(id);
              NodeIds ids = NodeIds.of(record.job().prompt(), id);
              node.put("node_id", id).put("display_node", ids.real());
              ids.parentInto(node, "parent_node");
              node.put("real_node_id", ids.real());
            });
    boolean success = record.outcome() instanceof ExecutionOutcome.Succeeded;
    ObjectNode status = entry.putObject("status");
    status.put("status_str", success ? "success" : "error");
    status.put("completed", success);
    ArrayNode messages = status.putArray("messages");
    message(messages, "execution_start", EventJson.start(promptId, record.startedMillis()));
    message(
        messages,
        "execution_cached",
        EventJson.cached(promptId, record.cached(), record.startedMillis()));
    message(
        messages,
        EventJson.endType(record.outcome()),
        EventJson.end(record.job(), record.outcome(), record.endedMillis()));
    entry.set("meta", meta);
    return entry;
  }

  private static void message(ArrayNode messages, String type, ObjectNode data) {
    messages.addArray().add(type).add(data);
  }
}
