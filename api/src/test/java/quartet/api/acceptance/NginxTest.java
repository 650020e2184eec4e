package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.net.http.WebSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletionStage;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/** The operators' step 4: our nginx files in a real nginx, on ports of the test's own. */
final class NginxTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final List<Path> PLACES =
      List.of(Path.of("/usr/sbin/nginx"), Path.of("/usr/bin/nginx"));

  private static Path nginx() {
    Path nginx = PLACES.stream().filter(Files::isExecutable).findFirst().orElse(Path.of("none"));
    if (!Files.isExecutable(nginx)) {
      System.out.println("NginxTest is skipped: no nginx at " + PLACES);
    }
    assumeTrue(Files.isExecutable(nginx), "no nginx is installed");
    return nginx;
  }

  /** Checks a configuration and starts nginx with it; owner: the caller, who ends it. */
  private static Process start(Path folder, Path config) throws IOException, InterruptedException {
    Path nginx = nginx();
    assertThat(run(nginx, "-t", "-p", folder.toString(), "-c", config.toString())).isZero();
    return new ProcessBuilder(
            nginx.toString(), "-p", folder.toString(), "-c", config.toString(), "-g", "daemon off;")
        .inheritIO()
        .start();
  }

  @Test
  void eachPortSpeaksForItsGpu(@TempDir Path base, @TempDir Path folder)
      throws IOException, InterruptedException {
    nginx();
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "cpu:4");
        Client client = new Client(server);
        HttpClient http = HttpClient.newHttpClient()) {
      List<Integer> ports = freePorts(4);
      Process process = start(folder, configuration(folder, server.port(), ports, ""));
      try {
        server.await(
            "nginx", PATIENCE, () -> answers(http, "http://127.0.0.1:" + ports.getFirst()));
        for (int gpu = 0; gpu < 4; gpu++) {
          String origin = "http://127.0.0.1:" + ports.get(gpu);
          assertThat(get(http, origin + "/queue")).contains("\"gpu_id\":" + gpu);
          String id = post(http, origin, Client.quick(gpu));
          client.ended(id, PATIENCE);
          assertThat(server.text()).contains("Routing prompt " + id + " to GPU " + gpu);
        }
        assertThat(get(http, "http://127.0.0.1:" + ports.getFirst() + "/")).contains("Quartet");
        assertThat(firstEvent(http, server, "ws://127.0.0.1:" + ports.get(2)))
            .contains("\"sid\":\"through-nginx\"");
      } finally {
        process.destroy();
        process.waitFor(10, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void whenItIsKilledPromptsGoOnAndAFreshOneServesThem(@TempDir Path base, @TempDir Path folder)
      throws Exception {
    nginx();
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "sim:4");
        Client client = new Client(server);
        HttpClient http = HttpClient.newHttpClient()) {
      List<Integer> ports = freePorts(4);
      String origin = "http://127.0.0.1:" + ports.getFirst();
      Path config = configuration(folder, server.port(), ports, "");
      Process first = start(folder, config);
      String id;
      try {
        server.await("nginx", PATIENCE, () -> answers(http, origin));
        id = post(http, origin, Client.quick(1).replace("\"steps\":2", "\"steps\":200"));
      } finally {
        // The master first: it would start a new worker for each that is gone.
        List<ProcessHandle> workers = first.descendants().toList();
        first.destroyForcibly();
        workers.forEach(ProcessHandle::destroyForcibly);
      }
      server.await("its end", PATIENCE, () -> !answers(http, origin));
      assertThat(client.ended(id, PATIENCE).at("/status/status_str").asText()).isEqualTo("success");
      Process second = start(folder, config);
      try {
        server.await("the new one", PATIENCE, () -> answers(http, origin));
        assertThat(get(http, origin + "/history/" + id)).contains("\"success\"");
      } finally {
        second.destroy();
        second.waitFor(10, TimeUnit.SECONDS);
      }
    }
  }

  @Test
  void tlsEndsInFrontAndTheSchedulerChooses(@TempDir Path base, @TempDir Path folder)
      throws Exception {
    nginx();
    TestCertificate made = TestCertificate.make(folder);
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "sim:4");
        Client client = new Client(server);
        HttpClient http = HttpClient.newBuilder().sslContext(made.trusting()).build()) {
      List<Integer> ports = freePorts(6);
      int plain = ports.get(4);
      int secure = ports.get(5);
      String text =
          Files.readString(ServerProcess.repository().resolve("config/nginx/quartet-tls.conf"))
              .replace("listen 80;", "listen 127.0.0.1:" + plain + ";")
              .replace("listen 443 ssl;", "listen 127.0.0.1:" + secure + " ssl;")
              .replace("/etc/nginx/quartet-certificate.pem", made.certificate().toString())
              .replace("/etc/nginx/quartet-key.pem", made.key().toString())
              .replace(
                  "/etc/nginx/quartet-location.conf",
                  folder.resolve("quartet-location.conf").toString());
      Process process = start(folder, configuration(folder, server.port(), ports, text));
      try {
        String origin = "https://127.0.0.1:" + secure;
        server.await("nginx", PATIENCE, () -> answers(http, origin));
        HttpResponse<String> sent =
            http.send(
                HttpRequest.newBuilder(URI.create("http://127.0.0.1:" + plain + "/queue?a=b"))
                    .build(),
                HttpResponse.BodyHandlers.ofString());
        assertThat(sent.statusCode()).isEqualTo(301);
        assertThat(sent.headers().firstValue("Location")).contains("https://127.0.0.1/queue?a=b");
        assertThat(get(http, origin + "/queue")).doesNotContain("gpu_id");
        assertThat(get(http, origin + "/queue", "X-TARGET-GPU", "2")).contains("\"gpu_id\":2");
        String id = post(http, origin, Client.quick(1), "Origin", origin);
        assertThat(client.ended(id, PATIENCE).at("/status/status_str").asText())
            .isEqualTo("success");
        assertThat(firstEvent(http, server, "wss://127.0.0.1:" + secure))
            .contains("\"sid\":\"through-nginx\"");
      } finally {
        process.destroy();
        process.waitFor(10, TimeUnit.SECONDS);
      }
    }
  }

  /** The prompt's id, which must have been accepted. */
  private static String post(HttpClient http, String origin, String body, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(origin + "/prompt"))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    if (headers.length > 0) {
      request.headers(headers);
    }
    String answer = http.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
    String id = Json.parse(answer.getBytes(StandardCharsets.UTF_8)).path("prompt_id").asText();
    assertThat(id).as(answer).isNotEmpty();
    return id;
  }

  /** The files as they are shipped, with the test's ports and paths; more goes behind them. */
  private static Path configuration(Path folder, int server, List<Integer> ports, String more)
      throws IOException {
    Path shipped = ServerProcess.repository().resolve("config/nginx");
    Path location =
        Files.copy(
            shipped.resolve("quartet-location.conf"), folder.resolve("quartet-location.conf"));
    String text =
        Files.readString(shipped.resolve("quartet.conf"))
            .replace("/etc/nginx/quartet-location.conf", location.toString())
            .replace("127.0.0.1:8188", "127.0.0.1:" + server);
    for (int gpu = 0; gpu < 4; gpu++) {
      assertThat(text).contains("listen 818" + (gpu + 1) + ";");
      text =
          text.replace("listen 818" + (gpu + 1) + ";", "listen 127.0.0.1:" + ports.get(gpu) + ";");
    }
    Files.createDirectories(folder.resolve("logs"));
    return Files.writeString(
        folder.resolve("nginx.conf"),
        """
        pid %1$s/nginx.pid;
        error_log %1$s/logs/error.log;
        events {}
        http {
          access_log off;
          client_body_temp_path %1$s/body;
          proxy_temp_path %1$s/proxy;
          fastcgi_temp_path %1$s/fastcgi;
          uwsgi_temp_path %1$s/uwsgi;
          scgi_temp_path %1$s/scgi;
        """
                .formatted(folder)
            + text
            + more
            + "}\n");
  }

  private static int run(Path program, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>(List.of(program.toString()));
    command.addAll(List.of(arguments));
    return new ProcessBuilder(command).inheritIO().start().waitFor();
  }

  private static List<Integer> freePorts(int count) throws IOException {
    List<ServerSocket> sockets = new ArrayList<>();
    try {
      for (int i = 0; i < count; i++) {
        sockets.add(new ServerSocket(0));
      }
      return sockets.stream().map(ServerSocket::getLocalPort).toList();
    } finally {
      for (ServerSocket socket : sockets) {
        socket.close();
      }
    }
  }

  private static boolean answers(HttpClient http, String origin) {
    try {
      return !get(http, origin + "/queue").isEmpty();
    } catch (IOException e) {
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
  }

  private static String get(HttpClient http, String url, String... headers)
      throws IOException, InterruptedException {
    HttpRequest.Builder request = HttpRequest.newBuilder(URI.create(url));
    if (headers.length > 0) {
      request.headers(headers);
    }
    return http.send(request.build(), HttpResponse.BodyHandlers.ofString()).body();
  }

  private static String firstEvent(HttpClient http, ServerProcess server, String origin) {
    List<String> events = new CopyOnWriteArrayList<>();
    WebSocket socket =
        http.newWebSocketBuilder()
            .buildAsync(
                URI.create(origin + "/ws?clientId=through-nginx"),
                new WebSocket.Listener() {
                  @Override
                  public @Nullable CompletionStage<?> onText(
                      WebSocket from, CharSequence data, boolean last) {
                    events.add(data.toString());
                    from.request(1);
                    return null;
                  }
                })
            .join();
    server.await("an event through nginx", PATIENCE, () -> !events.isEmpty());
    socket.abort();
    return events.getFirst();
  }
}
