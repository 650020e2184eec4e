package quartet.api.doctor;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.ServerSocket;
import java.net.http.HttpClient;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class MachineChecksTest {
  @TempDir Path base;

  /** So many GPUs, and nothing to say of them. */
  private record Gpus(int count) implements GpuProbe {
    @Override
    public List<Finding> findings() {
      return List.of();
    }
  }

  private List<Finding> run(int port, Map<String, String> environment, int gpus) {
    return new MachineChecks(base, port, environment, new Gpus(gpus)).run();
  }

  private static Finding of(List<Finding> findings, String subject) {
    return findings.stream()
        .filter(finding -> finding.subject().equals(subject))
        .findFirst()
        .orElseThrow();
  }

  @Test
  void javaMustBe25() {
    assertThat(MachineChecks.java(Runtime.Version.parse("25.0.3+9")).level())
        .isEqualTo(Finding.Level.GOOD);
    Finding old = MachineChecks.java(Runtime.Version.parse("17.0.1"));
    assertThat(old.level()).isEqualTo(Finding.Level.BAD);
    assertThat(old.advice()).contains("JDK 25");
  }

  @Test
  void moreDevicesThanThereAreIsBad() {
    Finding short4 = of(run(0, Map.of("COMFY_NUM_GPUS", "4"), 2), "Devices");
    assertThat(short4.level()).isEqualTo(Finding.Level.BAD);
    assertThat(short4.detail()).contains("4").contains("2");
    assertThat(of(run(0, Map.of("COMFY_NUM_GPUS", "2"), 2), "Devices").level())
        .isEqualTo(Finding.Level.GOOD);
    assertThat(of(run(0, Map.of("COMFY_NUM_GPUS", "4"), 0), "Devices").level())
        .isEqualTo(Finding.Level.NOTE);
    assertThat(of(run(0, Map.of("COMFY_NUM_GPUS", "four"), 2), "Devices").detail())
        .contains("'four'");
  }

  @Test
  void aTakenPortIsNamed() throws IOException {
    try (ServerSocket taken = new ServerSocket(0, 1, InetAddress.getLoopbackAddress())) {
      Finding port = of(run(taken.getLocalPort(), Map.of(), 0), "Port");
      assertThat(port.level()).isEqualTo(Finding.Level.NOTE);
      assertThat(port.detail()).contains(Integer.toString(taken.getLocalPort()));
    }
  }

  @Test
  void littleMemoryIsNoted() {
    assertThat(MachineChecks.ram(1L << 30).level()).isEqualTo(Finding.Level.NOTE);
    assertThat(MachineChecks.ram(64L << 30).level()).isEqualTo(Finding.Level.GOOD);
  }

  @Test
  void aFolderWithoutModelsAndABrokenModelAreBad() throws IOException {
    assertThat(of(run(0, Map.of(), 0), "Models").level()).isEqualTo(Finding.Level.BAD);
    Path folder = Files.createDirectories(base.resolve("models/checkpoints"));
    Files.write(folder.resolve("cut.safetensors"), new byte[] {1, 2, 3});
    List<Finding> findings = MachineChecks.models(folder);
    assertThat(findings.getFirst().detail()).contains("0 of 1");
    assertThat(findings.get(1).level()).isEqualTo(Finding.Level.BAD);
    assertThat(findings.get(1).detail()).contains("cut.safetensors");
  }

  @Test
  void aProxyIsAskedForItsGpu() throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/one/queue", exchange -> answer(exchange, 200, "{\"gpu_id\":1}"));
    server.createContext("/none/queue", exchange -> answer(exchange, 200, "{}"));
    server.createContext("/down/queue", exchange -> answer(exchange, 502, "bad gateway"));
    server.start();
    try (HttpClient client = HttpClient.newHttpClient()) {
      String address = "http://127.0.0.1:" + server.getAddress().getPort();
      ProxyCheck check = new ProxyCheck(client);
      assertThat(check.look(address + "/one/").detail()).endsWith("stands for GPU 1");
      assertThat(check.look(address + "/none").advice()).contains("X-TARGET-GPU");
      assertThat(check.look(address + "/down").detail()).contains("502");
      assertThat(check.look("not an address").level()).isEqualTo(Finding.Level.BAD);
    } finally {
      server.stop(0);
    }
    Finding gone = new ProxyCheck(HttpClient.newHttpClient()).look("http://127.0.0.1:1");
    assertThat(gone.level()).isEqualTo(Finding.Level.BAD);
  }

  private static void answer(com.sun.net.httpserver.HttpExchange exchange, int status, String text)
      throws IOException {
    byte[] body = text.getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }
}
