package quartet.api.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.net.URI;
import java.net.http.WebSocket;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.List;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;

/** A WebSocket client that keeps whole messages as they come. */
final class Socket implements AutoCloseable {
  private final ServerProcess server;
  private final List<JsonNode> events = new CopyOnWriteArrayList<>();
  private final List<byte[]> frames = new CopyOnWriteArrayList<>();
  private final WebSocket socket;

  Socket(ServerProcess server, Client client, String sid) {
    this.server = server;
    this.socket =
        client
            .http()
            .newWebSocketBuilder()
            .buildAsync(
                URI.create(server.url("/ws?clientId=" + sid).replace("http:", "ws:")),
                new Listener())
            .join();
  }

  void send(String text) {
    socket.sendText(text, true).join();
  }

  List<JsonNode> events() {
    return List.copyOf(events);
  }

  /** Events of one type, their data. */
  List<JsonNode> data(String type) {
    return events.stream()
        .filter(event -> event.path("type").asText().equals(type))
        .map(event -> event.path("data"))
        .toList();
  }

  /** Binary messages. */
  List<byte[]> frames() {
    return List.copyOf(frames);
  }

  void await(String type) {
    server.await(type, Duration.ofMinutes(1), () -> !data(type).isEmpty());
  }

  /** Waits until a prompt's last event has come. */
  void awaitEnd(String promptId) {
    server.await(
        "the end of " + promptId,
        Duration.ofMinutes(1),
        () ->
            data("executing").stream()
                .anyMatch(
                    data ->
                        data.path("node").isNull()
                            && data.path("prompt_id").asText().equals(promptId)));
  }

  @Override
  public void close() {
    socket.abort();
  }

  private final class Listener implements WebSocket.Listener {
    private final StringBuilder text = new StringBuilder();
    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket from, CharSequence data, boolean last) {
      text.append(data);
      if (last) {
        try {
          events.add(Json.parse(text.toString().getBytes(StandardCharsets.UTF_8)));
        } catch (IOException e) {
          throw new IllegalStateException("no JSON: " + text, e);
        }
        text.setLength(0);
      }
      from.request(1);
      return null;
    }

    @Override
    public @Nullable CompletionStage<?> onBinary(WebSocket from, ByteBuffer data, boolean last) {
      byte[] part = new byte[data.remaining()];
      data.get(part);
      bytes.writeBytes(part);
      if (last) {
        frames.add(bytes.toByteArray());
        bytes.reset();
      }
      from.request(1);
      return null;
    }
  }
}
