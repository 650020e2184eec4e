package quartet.api.cli;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.api.wire.Json;
import quartet.errors.EngineException;

/** Calls a running server. */
final class HttpCalls implements AutoCloseable {
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final String server;
  private final @Nullable String key = System.getenv("QUARTET_KEY");
  private final HttpClient client = HttpClient.newHttpClient();

  HttpCalls(String server) {
    this.server = server.endsWith("/") ? server.substring(0, server.length() - 1) : server;
  }

  /** An answer and its status. */
  record Answer(int status, JsonNode body) {}

  Answer get(String path) {
    return send(HttpRequest.newBuilder(URI.create(server + path)).GET());
  }

  Answer post(String path, JsonNode body, Map<String, String> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(server + path))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofByteArray(Json.bytes(body)));
    headers.forEach(request::header);
    return send(request);
  }

  private Answer send(HttpRequest.Builder request) {
    if (key != null && !key.isBlank()) {
      request.header("Authorization", "Bearer " + key.strip());
    }
    try {
      HttpResponse<byte[]> response =
          client.send(request.timeout(PATIENCE).build(), HttpResponse.BodyHandlers.ofByteArray());
      return new Answer(
          response.statusCode(),
          response.body().length == 0 ? Json.object() : Json.parse(response.body()));
    } catch (JsonProcessingException e) {
      throw new EngineException(
          CliError.NO_SERVER, server + " answered something that is no JSON: is it Quartet?", e);
    } catch (IOException e) {
      throw new EngineException(
          CliError.NO_SERVER,
          "No server answers at %s (%s). Start one with ./quartet serve, or give --server URL"
              .formatted(server, e),
          e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new EngineException(CliError.NO_SERVER, "interrupted while waiting for " + server, e);
    }
  }

  @Override
  public void close() {
    client.close();
  }
}
