package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import io.opentelemetry.proto.metrics.v1.AggregationTemporality;
import io.opentelemetry.proto.metrics.v1.HistogramDataPoint;
import io.opentelemetry.proto.metrics.v1.Metric;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.bench.Scrape;

/** A real server's figures as an OpenTelemetry receiver gets them. */
final class OtlpMetricsTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final int PROMPTS = 3;
  private static final String AWAY = "OpenTelemetry metrics are not taken by";
  private static final String BACK = "OpenTelemetry metrics are taken by";
  private static final Pattern PARTS = Pattern.compile("_(bucket|sum|count)$");

  private static ServerProcess serve(Path base, String address, Map<String, String> environment) {
    return ServerProcess.start(
        base,
        environment,
        "--devices",
        "sim:1",
        "--node-name",
        "pictures-1",
        "--otlp-metrics",
        address,
        "--otlp-metrics-interval",
        "2");
  }

  @Test
  void promptsThatRanArriveWithTheirDurationsAndLabels(@TempDir Path base) {
    Map<String, String> environment =
        Map.of(
            "OTEL_EXPORTER_OTLP_HEADERS", "authorization=Bearer%20k",
            "OTEL_EXPORTER_OTLP_COMPRESSION", "gzip",
            "OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=test");
    try (OtlpReceiver receiver = new OtlpReceiver(OtlpReceiver.METRICS, 0);
        ServerProcess server = serve(base, receiver.address(), environment);
        Client client = new Client(server)) {
      client.post("/prompt", "{}");
      for (int i = 0; i < PROMPTS; i++) {
        client.ended(client.accepted(Client.quick(i)), PATIENCE);
      }
      server.await(
          "the figures of all prompts",
          PATIENCE,
          () -> receiver.counted("quartet.prompts", "outcome", "succeeded") == PROMPTS);

      assertThat(receiver.counted("quartet.prompts", "gpu", "0", "node", "pictures-1"))
          .isEqualTo(PROMPTS);
      assertThat(receiver.counted("quartet.prompt.rejections", "reason", "no_prompt")).isEqualTo(1);
      Metric prompts = receiver.last("quartet.prompts");
      assertThat(prompts.getSum().getIsMonotonic()).isTrue();
      assertThat(prompts.getSum().getAggregationTemporality())
          .isEqualTo(AggregationTemporality.AGGREGATION_TEMPORALITY_CUMULATIVE);

      // Each reporter has ticks of its own, so one may know a prompt seconds before the other.
      server.await(
          "all prompts in the scrape",
          PATIENCE,
          () -> scrape(client).sum("quartet_prompt_duration_seconds_count") == PROMPTS);
      server.await(
          "all durations in what is sent",
          PATIENCE,
          () -> receiver.recorded("quartet.prompt.duration") == PROMPTS);
      durationsAreThoseOfTheScrape(receiver.last("quartet.prompt.duration"), scrape(client));
      assertThat(receiver.last("quartet.process.resident").getUnit()).isEqualTo("By");
      assertThat(
              receiver.last("quartet.process.resident").getGauge().getDataPoints(0).getAsDouble())
          .isGreaterThan(50e6);
      thePrometheusNamesAreThoseOfTheScrape(server, receiver, client);

      assertThat(receiver.headers().getLast())
          .containsEntry("authorization", "Bearer k")
          .containsEntry("content-encoding", "gzip")
          .containsEntry("content-type", "application/x-protobuf");
      assertThat(
              OtlpReceiver.labels(
                  receiver
                      .requests()
                      .getLast()
                      .getResourceMetrics(0)
                      .getResource()
                      .getAttributesList()))
          .containsEntry("service.name", "quartet")
          .containsEntry("service.instance.id", "pictures-1:0")
          .containsEntry("quartet.node", "pictures-1")
          .containsEntry("deployment.environment", "test")
          .hasEntrySatisfying("service.version", version -> assertThat(version).matches("\\d.*"));
      assertThat(server.text()).doesNotContain(AWAY);
    }
  }

  private static Scrape scrape(Client client) {
    return Scrape.parse(client.get("/metrics").text());
  }

  private static void durationsAreThoseOfTheScrape(Metric durations, Scrape scrape) {
    assertThat(durations.getUnit()).isEqualTo("s");
    List<HistogramDataPoint> points = durations.getHistogram().getDataPointsList();
    HistogramDataPoint point = points.getFirst();
    assertThat(OtlpReceiver.labels(point.getAttributesList()))
        .containsEntry("gpu", "0")
        .containsEntry("node", "pictures-1")
        .containsEntry("model", "quartet-demo.safetensors")
        .containsEntry("outcome", "succeeded");
    assertThat(point.getSum()).isPositive();
    assertThat(point.getSum())
        .isCloseTo(
            scrape.sum("quartet_prompt_duration_seconds_sum"),
            org.assertj.core.data.Percentage.withPercentage(1));
    long upTo = 0;
    for (int i = 0; i < point.getExplicitBoundsCount(); i++) {
      upTo += point.getBucketCounts(i);
      double bound = point.getExplicitBounds(i);
      double scraped =
          scrape.samples().stream()
              .filter(sample -> sample.name().equals("quartet_prompt_duration_seconds_bucket"))
              .filter(
                  sample ->
                      Double.parseDouble(
                              sample.labels().getOrDefault("le", "0").replace("+Inf", "Infinity"))
                          == bound)
              .mapToDouble(Scrape.Sample::value)
              .sum();
      assertThat((double) upTo).as("up to %s s", bound).isEqualTo(scraped);
    }
    assertThat(points).hasSize(1);
  }

  /** So that rules and dashboards are for both. */
  private static void thePrometheusNamesAreThoseOfTheScrape(
      ServerProcess server, OtlpReceiver receiver, Client client) {
    // Some figures of the JVM come late, and not to both at once.
    server.await(
        "the same names in both",
        PATIENCE,
        () -> scraped(client).size() > 40 && scraped(client).equals(sent(receiver)));
  }

  private static Set<String> scraped(Client client) {
    return scrape(client).samples().stream()
        .map(sample -> PARTS.matcher(sample.name()).replaceFirst(""))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  private static Set<String> sent(OtlpReceiver receiver) {
    return receiver.inPrometheus().stream()
        .map(name -> PARTS.matcher(name).replaceFirst(""))
        .collect(Collectors.toCollection(TreeSet::new));
  }

  @Test
  void aReceiverThatIsAwayIsToldOfOnceAndGetsEverythingWhenItIsBack(@TempDir Path base)
      throws InterruptedException {
    int port;
    try (OtlpReceiver free = new OtlpReceiver(OtlpReceiver.METRICS, 0)) {
      port = free.port();
    }
    String address = "http://127.0.0.1:" + port + OtlpReceiver.METRICS;
    try (ServerProcess server = serve(base, address, Map.of());
        Client client = new Client(server)) {
      server.await("the warning", PATIENCE, () -> server.lines(AWAY) == 1);
      client.ended(client.accepted(Client.quick(1)), PATIENCE);
      int before = server.log().size();
      try (OtlpReceiver receiver = new OtlpReceiver(OtlpReceiver.METRICS, port)) {
        server.await(
            "the prompt that ran meanwhile",
            PATIENCE,
            () -> receiver.counted("quartet.prompts", "outcome", "succeeded") == 1);
        server.await("the good news", PATIENCE, () -> server.lines(BACK) == 1);
        receiver.answer(503);
        server.await("a second warning", PATIENCE, () -> server.lines(AWAY) == 2);
        assertThat(server.text()).contains("HTTP status code 503. The server goes on");
        client.ended(client.accepted(Client.quick(2)), PATIENCE);
        receiver.answer(200);
        server.await(
            "both prompts",
            PATIENCE,
            () -> receiver.counted("quartet.prompts", "outcome", "succeeded") == 2);
      }
      // Not by the process's own object, which would close its log.
      assertThat(ProcessHandle.of(server.pid()).orElseThrow().destroy()).isTrue();
      server.exitCode(PATIENCE);
      assertThat(server.text())
          .as("what is missing at the end")
          .contains("the last OpenTelemetry metrics were not taken by " + address);
      assertThat(server.text())
          .contains(address + ": Failed to connect to")
          .contains("tries again every 2 s");
      assertThat(before).as("no flood: %s", server.text()).isLessThan(60);
      assertThat(server.text())
          .as("the exporter's own lines")
          .doesNotContain("io.opentelemetry.exporter")
          .doesNotContain("Failed to export metrics");
    }
  }

  @Test
  void whatHappenedLastArrivesBeforeTheServerEnds(@TempDir Path base) throws InterruptedException {
    try (OtlpReceiver receiver = new OtlpReceiver(OtlpReceiver.METRICS, 0);
        ServerProcess server =
            ServerProcess.start(
                base,
                Map.of(),
                "--devices",
                "sim:1",
                "--otlp-metrics",
                receiver.address(),
                "--otlp-metrics-interval",
                "3600");
        Client client = new Client(server)) {
      server.await("the first figures", PATIENCE, () -> receiver.requests().size() == 1);
      client.ended(client.accepted(Client.quick(1)), PATIENCE);
      server.terminate();
      server.exitCode(PATIENCE);
      assertThat(receiver.requests()).as("one more, and only one").hasSize(2);
      assertThat(receiver.counted("quartet.prompts", "outcome", "succeeded")).isEqualTo(1);
    }
  }

  @Test
  void flagsThatMakeNoSenseEndTheStart(@TempDir Path base) throws InterruptedException {
    ServerProcess.refuses(base, "no path", "--otlp-metrics", "http://127.0.0.1:4318");
    ServerProcess.refuses(
        base, "must be an http or https address", "--otlp-metrics", "collector:4318");
    ServerProcess.refuses(
        base, "leave one out", "--no-metrics", "--otlp-metrics", "http://c:4318/v1/metrics");
    ServerProcess.refuses(
        base,
        "--otlp-metrics-interval is 1",
        "--otlp-metrics",
        "http://c:4318/v1/metrics",
        "--otlp-metrics-interval",
        "1");
  }
}
