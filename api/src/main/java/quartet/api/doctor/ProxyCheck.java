package quartet.api.doctor;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import quartet.api.wire.Json;

/**
 * Asks a proxy's port which GPU it stands for: a proxy that does not set X-TARGET-GPU sends
 * everything where the scheduler chooses, and operators see "everything lands on GPU 0".
 */
public record ProxyCheck(HttpClient client) {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  /** Looks at one address, for example {@code http://localhost:8181}. */
  public Finding look(String address) {
    String url = address.replaceAll("/+$", "") + "/queue";
    try {
      HttpResponse<byte[]> answer =
          client.send(
              HttpRequest.newBuilder(URI.create(url)).timeout(PATIENCE).build(),
              HttpResponse.BodyHandlers.ofByteArray());
      if (answer.statusCode() != 200) {
        return Finding.bad(
            "Proxy",
            "%s answered %d".formatted(url, answer.statusCode()),
            "Is the server behind it running, and the proxy_pass line right?");
      }
      JsonNode gpu = Json.parse(answer.body()).path("gpu_id");
      return gpu.isInt()
          ? Finding.good("Proxy", "%s stands for GPU %d".formatted(address, gpu.asInt()))
          : Finding.bad(
              "Proxy",
              address + " sets no X-TARGET-GPU: the scheduler chooses for its prompts",
              "Add `proxy_set_header X-TARGET-GPU 0;` (config/nginx has the whole file).");
    } catch (IOException | IllegalArgumentException e) {
      return Finding.bad(
          "Proxy",
          "%s does not answer: %s".formatted(url, e),
          "Check the address and that the proxy runs.");
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return Finding.bad("Proxy", url + " was not asked: interrupted", "Try again.");
    }
  }
}
