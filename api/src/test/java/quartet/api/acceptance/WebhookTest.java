package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.atomic.AtomicInteger;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.webhook.Signature;
import quartet.api.wire.Json;

/** Ends of prompts as another system hears them. */
final class WebhookTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String SECRET = "a secret of this test";

  /** A message as it came. */
  private record Heard(JsonNode body, boolean signed, String delivery) {}

  private final List<Heard> heard = new CopyOnWriteArrayList<>();
  private final AtomicInteger refusals = new AtomicInteger();

  private void hear(HttpExchange exchange) throws IOException {
    byte[] body = exchange.getRequestBody().readAllBytes();
    if (refusals.getAndDecrement() > 0) {
      exchange.sendResponseHeaders(503, -1);
    } else {
      long timestamp = Long.parseLong(exchange.getRequestHeaders().getFirst("X-Quartet-Timestamp"));
      heard.add(
          new Heard(
              Json.parse(body),
              exchange
                  .getRequestHeaders()
                  .getFirst("X-Quartet-Signature")
                  .equals("sha256=" + Signature.of(SECRET, timestamp, body)),
              exchange.getRequestHeaders().getFirst("X-Quartet-Delivery")));
      exchange.sendResponseHeaders(204, -1);
    }
    exchange.close();
  }

  private HttpServer listener(int port) throws IOException {
    HttpServer listener =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), port), 0);
    listener.createContext("/ends", this::hear);
    listener.start();
    return listener;
  }

  @Test
  void endsAreToldSignedAndUntilTheyAreTaken(@TempDir Path base) throws Exception {
    HttpServer listener = listener(0);
    int port = listener.getAddress().getPort();
    Map<String, String> secret = Map.of("QUARTET_WEBHOOK_SECRET", SECRET);
    String[] arguments = {
      "--devices", "sim:1", "--sim", "step=5ms", "--webhook", "http://127.0.0.1:" + port + "/ends"
    };
    try {
      refusals.set(1);
      try (ServerProcess server = ServerProcess.start(base, secret, arguments);
          Client client = new Client(server)) {
        String id = client.accepted(Client.quick(1));
        server.await("the message, after one refusal", PATIENCE, () -> !heard.isEmpty());
        Heard first = heard.getFirst();
        assertThat(first.signed()).isTrue();
        assertThat(first.delivery()).isEqualTo(id);
        assertThat(first.body().path("status").asText()).isEqualTo("success");
        assertThat(first.body().at("/outputs/9/images/0/filename").asText()).isNotEmpty();
        assertThat(server.text()).contains("did not take the end of prompt " + id);

        listener.stop(0);
        client.ended(client.accepted(DurableQueueTest.withId("later", Client.quick(2))), PATIENCE);
        Path waiting = base.resolve("data/webhooks/later.json");
        server.await("the message on disk", PATIENCE, () -> Files.exists(waiting));
        DurableQueueTest.killNow(server);
      }
      listener = listener(port);
      try (ServerProcess server = ServerProcess.start(base, secret, arguments)) {
        server.await(
            "the message from before the kill",
            PATIENCE,
            () -> heard.stream().anyMatch(one -> one.delivery().equals("later")));
        server.await(
            "nothing left on disk",
            PATIENCE,
            () -> !Files.exists(base.resolve("data/webhooks/later.json")));
      }
    } finally {
      listener.stop(0);
    }
  }
}
