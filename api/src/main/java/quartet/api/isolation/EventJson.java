package quartet.api.isolation;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.engine.exec.ExecutionEvent;
import quartet.engine.node.ClientMessage;

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
      case ExecutionEvent.Message message -> {
        json.put("event", "message").put("node", message.nodeId());
        switch (message.message()) {
          case ClientMessage.Picture picture -> json.put("png", picture.png());
          case ClientMessage.Text text -> json.put("text", text.text());
          case ClientMessage.NotRun notRun ->
              json.put("not_run", notRun.nodeType()).put("reason", notRun.message());
        }
      }
    }
    return json;
  }

  private static ClientMessage message(JsonNode json) {
    if (json.has("png")) {
      try {
        return new ClientMessage.Picture(json.get("png").binaryValue());
      } catch (IOException e) {
        throw new IllegalArgumentException("a picture from the device's process is no Base64", e);
      }
    }
    return json.has("text")
        ? new ClientMessage.Text(json.get("text").asText())
        : new ClientMessage.NotRun(json.path("not_run").asText(), json.path("reason").asText());
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
              method -> {
                throw new IllegalArgumentException("pictures stay in the device's process");
              });
      case "message" -> new ExecutionEvent.Message(node, message(json));
      case "finished" ->
          new ExecutionEvent.NodeFinished(
              node,
              json.get("ui") instanceof ObjectNode ui ? ui : null,
              json.path("cached").asBoolean());
      default -> null;
    };
  }
}
