package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server with a certificate of its own, over https and wss, and with files that do not do. */
final class TlsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);

  @TempDir Path folder;

  @Test
  void httpsAndWssServeWhatHttpAndWsDo() throws Exception {
    TestCertificate made = TestCertificate.make(folder);
    try (ServerProcess server =
            ServerProcess.start(
                Files.createDirectory(folder.resolve("server")),
                Map.of(),
                "--devices",
                "cpu:1",
                "--tls-keyfile",
                made.key().toString(),
                "--tls-certfile",
                made.certificate().toString());
        HttpClient client = HttpClient.newBuilder().sslContext(made.trusting()).build()) {
      String address = "://127.0.0.1:" + server.port();
      HttpResponse<String> answer =
          client.send(
              HttpRequest.newBuilder(URI.create("https" + address + "/system_stats")).build(),
              HttpResponse.BodyHandlers.ofString());
      assertThat(answer.statusCode()).isEqualTo(200);
      assertThat(answer.body()).contains("devices");
      CompletableFuture<String> first = new CompletableFuture<>();
      WebSocket socket =
          client
              .newWebSocketBuilder()
              .buildAsync(URI.create("wss" + address + "/ws?clientId=tls"), new First(first))
              .get(PATIENCE.toSeconds(), TimeUnit.SECONDS);
      assertThat(first.get(PATIENCE.toSeconds(), TimeUnit.SECONDS)).contains("\"sid\":\"tls\"");
      socket.abort();
    }
  }

  private record First(CompletableFuture<String> message) implements WebSocket.Listener {
    @Override
    public CompletionStage<?> onText(WebSocket socket, CharSequence data, boolean last) {
      message.complete(data.toString());
      return CompletableFuture.completedFuture(null);
    }
  }

  @Test
  void aKeyThatIsNoKeyEndsTheStartWithAReason() throws Exception {
    Path wrong = Files.writeString(folder.resolve("wrong.pem"), "-----BEGIN RSA PRIVATE KEY-----");
    try (ServerProcess server =
        ServerProcess.launch(
            Files.createDirectory(folder.resolve("server")),
            Map.of(),
            "--devices",
            "cpu:1",
            "--tls-keyfile",
            wrong.toString(),
            "--tls-certfile",
            TestCertificate.make(folder).certificate().toString())) {
      server.await("the reason", PATIENCE, () -> server.text().contains("openssl pkcs8"));
      assertThat(server.text()).contains("wrong.pem");
    }
  }
}
