package quartet.api.bench;

import com.fasterxml.jackson.databind.JsonNode;
import java.net.http.WebSocket;
import java.util.Map;
import java.util.UUID;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Hears from a server when the prompts of one client end, through the events that ComfyUI sends
 * too.
 *
 * <p>Thread: any.
 */
final class PromptEnds implements AutoCloseable {
  private final String clientId = "bench-" + UUID.randomUUID();
  private final Map<String, CompletableFuture<Boolean>> ends = new ConcurrentHashMap<>();
  private final WebSocket socket;

  PromptEnds(ServerClient client) {
    this.socket = client.listen(clientId, this::hear);
  }

  /** To be sent with each prompt. */
  String clientId() {
    return clientId;
  }

  private void hear(JsonNode event) {
    String id = event.path("data").path("prompt_id").asText();
    switch (event.path("type").asText()) {
      case "execution_success" -> of(id).complete(true);
      case "execution_error", "execution_interrupted" -> of(id).complete(false);
      default -> {}
    }
  }

  /** Whether it succeeded, when it has ended. */
  CompletableFuture<Boolean> of(String promptId) {
    return ends.computeIfAbsent(promptId, key -> new CompletableFuture<>());
  }

  /** Nobody asks for it any more. */
  void forget(String promptId) {
    ends.remove(promptId);
  }

  @Override
  public void close() {
    socket.abort();
  }
}
