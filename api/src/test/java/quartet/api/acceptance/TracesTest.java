package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A prompt's spans as an OpenTelemetry collector gets them. */
final class TracesTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What came, as text: names and values stand in the protocol's buffers as they are. */
  private final List<String> bodies = new CopyOnWriteArrayList<>();

  @Test
  void aPromptsWaitAndNodesArriveAtTheCollectorUnderOnePrompt(@TempDir Path base)
      throws IOException {
    HttpServer collector =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    collector.createContext(
        "/v1/traces",
        exchange -> {
          byte[] body = exchange.getRequestBody().readAllBytes();
          bodies.add(new String(body, StandardCharsets.ISO_8859_1));
          exchange.sendResponseHeaders(200, -1);
          exchange.close();
        });
    collector.start();
    String address = "http://127.0.0.1:" + collector.getAddress().getPort() + "/v1/traces";
    try (ServerProcess server =
            ServerProcess.start(base, Map.of(), "--devices", "sim:1", "--traces", address);
        Client client = new Client(server)) {
      String id = client.accepted(Client.quick(1));
      client.ended(id, PATIENCE);
      server.await("the spans", PATIENCE, () -> String.join("", bodies).contains("SaveImage"));
      assertThat(String.join("", bodies))
          .contains("quartet", "prompt", "queue", "CheckpointLoaderSimple", "KSampler", "VAEDecode")
          .contains("parentOperation", "outcome", "succeeded", "denoise");
    } finally {
      collector.stop(0);
    }
  }
}
