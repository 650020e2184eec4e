package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.InputStream;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyStore;
import java.time.Duration;
import java.util.Base64;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.TimeUnit;
import javax.net.ssl.SSLContext;
import javax.net.ssl.TrustManagerFactory;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server with a certificate of its own, over https and wss, and with files that do not do. */
final class TlsTest {
  private static final Duration PATIENCE = Duration.ofSeconds(90);
  private static final String PASSWORD = "for-the-test";

  @TempDir Path folder;

  private Path key = Path.of("");
  private Path certificate = Path.of("");
  private KeyStore store = empty();

  private static KeyStore empty() {
    try {
      return KeyStore.getInstance("PKCS12");
    } catch (GeneralSecurityException e) {
      throw new IllegalStateException(e);
    }
  }

  @BeforeEach
  void makeCertificate() throws Exception {
    Path made = folder.resolve("made.p12");
    Process keytool =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "keytool").toString(),
                "-genkeypair",
                "-alias",
                "server",
                "-keyalg",
                "EC",
                "-dname",
                "CN=localhost",
                "-ext",
                "SAN=ip:127.0.0.1,dns:localhost",
                "-storetype",
                "PKCS12",
                "-keystore",
                made.toString(),
                "-storepass",
                PASSWORD)
            .inheritIO()
            .start();
    assertThat(keytool.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(keytool.exitValue()).isZero();
    try (InputStream in = Files.newInputStream(made)) {
      store.load(in, PASSWORD.toCharArray());
    }
    key =
        pem("key.pem", "PRIVATE KEY", store.getKey("server", PASSWORD.toCharArray()).getEncoded());
    certificate =
        pem("certificate.pem", "CERTIFICATE", store.getCertificate("server").getEncoded());
  }

  private Path pem(String name, String kind, byte[] bytes) throws IOException {
    String text = Base64.getMimeEncoder(64, new byte[] {'\n'}).encodeToString(bytes);
    return Files.writeString(
        folder.resolve(name),
        "-----BEGIN %s-----\n%s\n-----END %s-----\n".formatted(kind, text, kind));
  }

  /** Trusts the test's certificate and no other. */
  private SSLContext trusting() throws Exception {
    KeyStore trusted = KeyStore.getInstance("PKCS12");
    trusted.load(null, null);
    trusted.setCertificateEntry("server", store.getCertificate("server"));
    TrustManagerFactory managers =
        TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
    managers.init(trusted);
    SSLContext context = SSLContext.getInstance("TLS");
    context.init(null, managers.getTrustManagers(), null);
    return context;
  }

  @Test
  void httpsAndWssServeWhatHttpAndWsDo() throws Exception {
    try (ServerProcess server =
            ServerProcess.start(
                Files.createDirectory(folder.resolve("server")),
                Map.of(),
                "--devices",
                "cpu:1",
                "--tls-keyfile",
                key.toString(),
                "--tls-certfile",
                certificate.toString());
        HttpClient client = HttpClient.newBuilder().sslContext(trusting()).build()) {
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
            certificate.toString())) {
      server.await("the reason", PATIENCE, () -> server.text().contains("openssl pkcs8"));
      assertThat(server.text()).contains("wrong.pem");
    }
  }
}
