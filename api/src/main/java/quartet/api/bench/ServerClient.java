package quartet.api.bench;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.time.Duration;
import java.util.concurrent.CompletionException;
import java.util.concurrent.CompletionStage;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.errors.EngineException;

/**
 * A client of a running server, for measuring: nothing is retried, every answer is timed.
 *
 * <p>Thread: any.
 */
public final class ServerClient implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  private final String server;
  private final @Nullable String key;
  private final HttpClient http = HttpClient.newHttpClient();

  /**
   * A client of the server at this address.
   *
   * @param key to be let in by, or null
   */
  public ServerClient(String server, @Nullable String key) {
    this.server = server.endsWith("/") ? server.substring(0, server.length() - 1) : server;
    this.key = key == null || key.isBlank() ? null : "Bearer " + key.strip();
  }

  /** Where it is. */
  public String server() {
    return server;
  }

  /**
   * An answer.
   *
   * @param millis from sending to its last byte
   */
  @SuppressWarnings("ArrayRecordComponent") // never compared
  public record Answer(int status, byte[] body, double millis) {
    /** As JSON; an empty object if there is none. */
    public JsonNode json() {
      try {
        return body.length == 0 ? Json.object() : Json.parse(body);
      } catch (JsonProcessingException e) {
        throw new EngineException(BenchError.NO_SERVER, "the answer is no JSON: is it Quartet?", e);
      }
    }
  }

  /** GET. */
  public Answer get(String path) {
    return send(HttpRequest.newBuilder(URI.create(server + path)).GET());
  }

  /** POST of JSON. */
  public Answer post(String path, JsonNode body) {
    return send(
        HttpRequest.newBuilder(URI.create(server + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(Json.bytes(body))));
  }

  private Answer send(HttpRequest.Builder request) {
    if (key != null) {
      request.header("Authorization", key);
    }
    long start = System.nanoTime();
    try {
      HttpResponse<byte[]> response =
          http.send(request.timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response.statusCode(), response.body(), (System.nanoTime() - start) / 1e6);
    } catch (IOException e) {
      throw new EngineException(
          BenchError.NO_SERVER,
          "No server answers at %s (%s). Start one with ./quartet serve, or give --server URL"
              .formatted(server, e),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EngineException(BenchError.NO_SERVER, "interrupted while waiting for " + server, e);
    }
  }

  /** Hears the events for a client id until the returned socket is aborted. */
  public WebSocket listen(String clientId, Consumer<JsonNode> events) {
    URI address = URI.create(server.replaceFirst("^http", "ws") + "/ws?clientId=" + clientId);
    WebSocket.Builder builder = http.newWebSocketBuilder();
    if (key != null) {
      builder.header("Authorization", key);
    }
    try {
      return builder.buildAsync(address, new Listener(events)).join();
    } catch (CompletionException e) {
      throw new EngineException(
          BenchError.NO_SERVER,
          "No WebSocket at %s (%s). Is a server there, and does it want a key (QUARTET_KEY)?"
              .formatted(address, e.getCause()),
          e);
    }
  }

  private static final class Listener implements WebSocket.Listener {
    private final Consumer<JsonNode> events;
    private final StringBuilder text = new StringBuilder();

    Listener(Consumer<JsonNode> events) {
      this.events = events;
    }

    @Override
    public @Nullable CompletionStage<?> onText(WebSocket socket, CharSequence part, boolean last) {
      text.append(part);
      if (last) {
        String message = text.toString();
        text.setLength(0);
        try {
          events.accept(Json.parse(message.getBytes(java.nio.charset.StandardCharsets.UTF_8)));
        } catch (JsonProcessingException e) {
          throw new EngineException(BenchError.NO_SERVER, "an event is no JSON: " + message, e);
        }
      }
      socket.request(1);
      return null;
    }
  }

  @Override
  public void close() {
    http.close();
  }
}
