package quartet.api.acceptance;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.time.Duration;
import java.util.HashMap;
import java.util.Map;
import quartet.api.wire.Json;

/** Talks to a server as curl does. */
final class Client implements AutoCloseable {
  private final ServerProcess server;
  private final HttpClient http = HttpClient.newHttpClient();

  Client(ServerProcess server) {
    this.server = server;
  }

  /** An answer. */
  record Answer(HttpResponse<byte[]> response) {
    int status() {
      return response.statusCode();
    }

    byte[] bytes() {
      return response.body();
    }

    JsonNode json() {
      try {
        return Json.parse(bytes());
      } catch (IOException e) {
        throw new UncheckedIOException("no JSON: " + text(), e);
      }
    }

    String header(String name) {
      return response.headers().firstValue(name).orElse("");
    }

    String text() {
      return new String(bytes(), StandardCharsets.UTF_8);
    }
  }

  Answer get(String path, String... headers) {
    return send(HttpRequest.newBuilder(URI.create(server.url(path))).GET(), headers);
  }

  Answer post(String path, String body, String... headers) {
    return send(
        HttpRequest.newBuilder(URI.create(server.url(path)))
            .POST(HttpRequest.BodyPublishers.ofString(body)),
        headers);
  }

  Answer post(String path, byte[] body, String... headers) {
    return send("POST", path, body, headers);
  }

  /** Any method; an empty body is none. */
  Answer send(String method, String path, byte[] body, String... headers) {
    return send(
        HttpRequest.newBuilder(URI.create(server.url(path)))
            .method(
                method,
                body.length == 0
                    ? HttpRequest.BodyPublishers.noBody()
                    : HttpRequest.BodyPublishers.ofByteArray(body)),
        headers);
  }

  private Answer send(HttpRequest.Builder request, String... headers) {
    if (headers.length > 0) {
      request.headers(headers);
    }
    try {
      HttpResponse<byte[]> response =
          http.send(
              request.timeout(Duration.ofMinutes(1)).build(),
              HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(response);
    } catch (IOException e) {
      throw new UncheckedIOException("the server did not answer:\n" + server.text(), e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }

  HttpClient http() {
    return http;
  }

  /** Posts a prompt that must be accepted, and returns its id. */
  String accepted(String body, String... headers) {
    Answer answer = post("/prompt", body, headers);
    if (answer.status() != 200) {
      throw new AssertionError("refused with " + answer.status() + ": " + answer.text());
    }
    return answer.json().path("prompt_id").asText();
  }

  /** Waits until a prompt has ended and returns its history entry. */
  JsonNode ended(String promptId, Duration patience) {
    server.await(
        "the end of prompt " + promptId,
        patience,
        () -> {
          Answer answer = get("/history/" + promptId);
          if (answer.status() != 200) {
            throw new AssertionError(
                "the history was answered with %d %s; the log:\n%s"
                    .formatted(answer.status(), answer.text(), server.text()));
          }
          return !answer.json().isEmpty();
        });
    return get("/history/" + promptId).json().get(promptId);
  }

  /**
   * The operators' workflow from the repository's examples, with other values.
   *
   * @param changes {@code node.input} to value
   */
  static ObjectNode workflow(Map<String, Object> changes) {
    try {
      ObjectNode prompt =
          (ObjectNode)
              Json.parse(
                  Files.readAllBytes(
                      ServerProcess.repository().resolve("docs/examples/landscape.json")));
      changes.forEach(
          (place, value) -> {
            int dot = place.indexOf('.');
            ObjectNode inputs = (ObjectNode) prompt.path(place.substring(0, dot)).path("inputs");
            inputs.putPOJO(place.substring(dot + 1), value);
          });
      return prompt;
    } catch (IOException e) {
      throw new UncheckedIOException("the example workflow cannot be read", e);
    }
  }

  /** A small and quick one: 64x64, two steps, a seed of its own. */
  static String quick(long seed) {
    return small(2, seed, Map.of());
  }

  /**
   * A small one, 64x64, under an id that the client gives it and with a seed made of that.
   *
   * @param changes as in {@link #workflow}
   */
  static String named(String id, int steps, Map<String, Object> changes) {
    return DurableQueueTest.withId(
        id, small(steps, Math.floorMod(id.hashCode(), 1 << 30), changes));
  }

  private static String small(int steps, long seed, Map<String, Object> changes) {
    Map<String, Object> all = new HashMap<>(changes);
    all.putAll(Map.of("5.width", 64, "5.height", 64, "3.steps", steps, "3.seed", seed));
    return Json.text(workflow(all));
  }

  @Override
  public void close() {
    http.close();
  }
}
