package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.proto.trace.v1.Span;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A prompt's spans as an OpenTelemetry collector gets them. */
final class TracesTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final String AWAY = "OpenTelemetry traces are not taken by ";
  private static final String BACK = "OpenTelemetry traces are taken by ";

  /** Kamon sends what ended every ten seconds; a test need not wait that long. */
  private static ServerProcess serve(Path base, String address) {
    return serve(base, address, Duration.ofSeconds(1));
  }

  private static ServerProcess serve(Path base, String address, Duration tick) {
    return ServerProcess.start(
        base,
        Map.of("JAVA_TOOL_OPTIONS", "-Dkamon.trace.tick-interval=" + tick.toSeconds() + "s"),
        "--devices",
        "sim:1",
        "--traces",
        address);
  }

  private static String label(Span span, String key) {
    return OtlpReceiver.labels(span.getAttributesList()).getOrDefault(key, "");
  }

  /** Ids of the prompts that the collector knows. */
  private static List<String> prompts(OtlpReceiver collector) {
    return collector.spans().stream()
        .filter(span -> span.getName().equals("prompt"))
        .map(span -> label(span, "prompt_id"))
        .toList();
  }

  private static Span span(OtlpReceiver collector, String name) {
    return collector.spans().stream()
        .filter(span -> span.getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no span " + name));
  }

  private static String run(Client client, int seed) {
    String id = client.accepted(Client.quick(seed));
    client.ended(id, PATIENCE);
    return id;
  }

  @Test
  void aPromptsWaitAndNodesArriveAtTheCollectorUnderOnePrompt(@TempDir Path base) {
    try (OtlpReceiver collector = new OtlpReceiver(OtlpReceiver.TRACES, 0);
        ServerProcess server = serve(base, collector.address());
        Client client = new Client(server)) {
      String id = run(client, 1);
      server.await("the spans", PATIENCE, () -> prompts(collector).contains(id));
      Span prompt = span(collector, "prompt");
      assertThat(label(prompt, "outcome")).isEqualTo("succeeded");
      for (String name :
          List.of("queue", "CheckpointLoaderSimple", "KSampler", "VAEDecode", "SaveImage")) {
        assertThat(span(collector, name).getParentSpanId())
            .as("the parent of %s", name)
            .isEqualTo(prompt.getSpanId());
      }
      assertThat(label(span(collector, "KSampler"), "stage")).isEqualTo("denoise");
      assertThat(server.text()).doesNotContain(AWAY);
    }
  }

  @Test
  void aCollectorThatIsAwayIsToldOfOnceAndItsReturnOnce(@TempDir Path base) {
    int port;
    try (OtlpReceiver free = new OtlpReceiver(OtlpReceiver.TRACES, 0)) {
      port = free.port();
    }
    String address = "http://127.0.0.1:" + port + OtlpReceiver.TRACES;
    try (ServerProcess server = serve(base, address);
        Client client = new Client(server)) {
      String lost = run(client, 1);
      server.await("the warning", PATIENCE, () -> server.lines(AWAY) == 1);
      assertThat(server.text())
          .contains(AWAY + address + ": Failed to connect to")
          .contains("are lost. Start the receiver, or correct --traces");
      try (OtlpReceiver collector = new OtlpReceiver(OtlpReceiver.TRACES, port)) {
        String taken = run(client, 2);
        server.await("the good news", PATIENCE, () -> server.lines(BACK) == 1);
        server.await("the spans", PATIENCE, () -> prompts(collector).contains(taken));
        assertThat(prompts(collector)).doesNotContain(lost);

        collector.answer(503);
        for (int i = 1; i <= 2; i++) {
          int refused = i;
          run(client, 2 + i);
          server.await("a refusal", PATIENCE, () -> collector.refused() >= refused);
        }
        server.await("a second warning", PATIENCE, () -> server.lines(AWAY) == 2);
        assertThat(server.text()).contains("HTTP status code 503. The server goes on");
        collector.answer(200);
        String last = run(client, 5);
        server.await("good news again", PATIENCE, () -> server.lines(BACK) == 2);
        server.await("the last spans", PATIENCE, () -> prompts(collector).contains(last));
      }
      assertThat(server.lines(AWAY)).as("once for each outage: %s", server.text()).isEqualTo(2);
      assertThat(server.text())
          .as("the exporter's and Kamon's own lines")
          .doesNotContain("io.opentelemetry")
          .doesNotContain("Failed to export")
          .doesNotContain("\tat ");
    }
  }

  @Test
  void whatHappenedLastArrivesBeforeTheServerEnds(@TempDir Path base) throws InterruptedException {
    try (OtlpReceiver collector = new OtlpReceiver(OtlpReceiver.TRACES, 0);
        ServerProcess server = serve(base, collector.address(), Duration.ofHours(1));
        Client client = new Client(server)) {
      String id = run(client, 1);
      assertThat(prompts(collector)).isEmpty();
      server.terminate();
      server.exitCode(PATIENCE);
      assertThat(prompts(collector)).containsExactly(id);
    }
  }

  @Test
  void anAddressWithoutAPathEndsTheStart(@TempDir Path base) throws InterruptedException {
    ServerProcess.refuses(
        base,
        "no path; collectors take traces at /v1/traces",
        "--devices",
        "sim:1",
        "--traces",
        "http://127.0.0.1:4318");
  }
}
