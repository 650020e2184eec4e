package quartet.api.isolation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.engine.exec.ExecutionEvent;

/** The engine's events as messages, and back. Pictures of half-done work stay behind. */
final class EventJson {
  private EventJson() {}

  static ObjectNode json(ExecutionEvent event) {
    ObjectNode json = Json.object();
    switch (event) {
      case ExecutionEvent.Cached cached -> {
        json.put("event", "cached");
        cached.nodeIds().forEach(json.putArray("nodes")::add);
      }
      case ExecutionEvent.NodeStarted started ->
          json.put("event", "started").put("node", started.nodeId());
      case ExecutionEvent.Progress progress ->
          json.put("event", "progress")
              .put("node", progress.nodeId())
              .put("value", progress.value())
              .put("max", progress.max());
      case ExecutionEvent.NodeFinished finished -> {
        json.put("event", "finished").put("node", finished.nodeId());
        json.put("cached", finished.cached());
        json.set("ui", finished.ui());
      }
    }
    return json;
  }

  /** The event, or null for a message that is none. */
  static @Nullable ExecutionEvent event(JsonNode json) {
    String node = json.path("node").asText();
    return switch (json.path("event").asText()) {
      case "cached" -> {
        List<String> ids = new ArrayList<>();
        json.path("nodes").forEach(id -> ids.add(id.asText()));
        yield new ExecutionEvent.Cached(ids);
      }
      case "started" -> new ExecutionEvent.NodeStarted(node);
      case "progress" ->
          new ExecutionEvent.Progress(
              node,
              json.path("value").asInt(),
              json.path("max").asInt(),
              () -> {
                throw new IllegalArgumentException("pictures stay in the device's process");
              });
      case "finished" ->
          new ExecutionEvent.NodeFinished(
              node,
              json.get("ui") instanceof ObjectNode ui ? ui : null,
              json.path("cached").asBoolean());
      default -> null;
    };
  }
}
