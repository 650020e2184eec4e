package quartet.api.telemetry;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.typesafe.config.ConfigFactory;
import io.opentelemetry.api.common.AttributeKey;
import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.DoublePointData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.data.MetricDataType;
import java.util.List;
import java.util.Map;
import kamon.metric.MeasurementUnit;
import kamon.metric.PeriodSnapshot;
import org.junit.jupiter.api.Test;

/** Periods become sums, gauges and histograms that only grow. */
final class CumulativeTest {
  private static final Identity IDENTITY = new Identity("node-a", "node-a:8188", "1.2.3");
  private static final long START_NANOS = Periods.START.getEpochSecond() * 1_000_000_000L + 1;
  private static final Bounds BOUNDS =
      new Bounds(
          Map.of("time", List.of(0.1, 1.0, 10.0), "information", List.of(1024.0)),
          Map.of("special", List.of(7.0)),
          List.of(5.0));

  private final Cumulative figures =
      new Cumulative(OtlpSender.resource(IDENTITY, Map.of()), "node-a", BOUNDS);

  private static PeriodSnapshot period(int number) {
    return Periods.period(
        number,
        List.of(
            Periods.value(
                "quartet.prompts",
                MeasurementUnit.none(),
                Map.of(
                    Map.of("gpu", "0", "outcome", "succeeded"),
                    3L + number,
                    Map.of("gpu", "1", "outcome", "failed"),
                    1L)),
            Periods.value("sent", MeasurementUnit.information().kilobytes(), Map.of(Map.of(), 2L))),
        List.of(
            Periods.value(
                "quartet.queue.depth", MeasurementUnit.none(), Map.of(Map.of(), 7.0 - number)),
            Periods.value(
                "quartet.gpu.power.watts", MeasurementUnit.none(), Map.of(Map.of(), 350.0)),
            Periods.value(
                "quartet.gpu.utilisation.ratio", MeasurementUnit.none(), Map.of(Map.of(), 0.5))),
        List.of(
            Periods.distribution(
                "jvm.memory.used",
                MeasurementUnit.information().bytes(),
                Map.of(),
                Map.of(1024L, 1L, 1025L, 2L)),
            Periods.distribution(
                "special", MeasurementUnit.none(), Map.of("flag", true), Map.of(8L, 1L))),
        List.of(
            Periods.distribution(
                "quartet.prompt.duration",
                Periods.NANOS,
                Map.of("gpu", "0"),
                number == 0
                    ? Map.of(50_000_000L, 2L, 100_000_000L, 1L, 2_000_000_000L, 1L)
                    : Map.of(20_000_000_000L, 4L))));
  }

  private MetricData named(String name) {
    return figures.data().stream()
        .filter(metric -> metric.getName().equals(name))
        .findFirst()
        .orElseThrow(() -> new AssertionError(name + " is not in " + figures.data()));
  }

  private DoublePointData point(String name, Attributes labels) {
    MetricData metric = named(name);
    List<DoublePointData> points =
        List.copyOf(
            metric.getType() == MetricDataType.DOUBLE_SUM
                ? metric.getDoubleSumData().getPoints()
                : metric.getDoubleGaugeData().getPoints());
    return points.stream()
        .filter(point -> point.getAttributes().equals(labels))
        .findFirst()
        .orElseThrow(() -> new AssertionError(labels + " is not in " + points));
  }

  private static Attributes labels(String... more) {
    var builder = Attributes.builder().put("node", "node-a");
    for (int i = 0; i < more.length; i += 2) {
      builder.put(more[i], more[i + 1]);
    }
    return builder.build();
  }

  @Test
  void beforeTheFirstPeriodThereIsNothing() {
    assertThat(figures.data()).isEmpty();
  }

  @Test
  void countersAreMonotonicAndCumulative() {
    figures.add(period(0));
    Attributes labels = labels("gpu", "0", "outcome", "succeeded");
    assertThat(point("quartet.prompts", labels).getValue()).isEqualTo(3);
    figures.add(period(1));
    assertThat(point("quartet.prompts", labels).getValue()).isEqualTo(3 + 4);
    assertThat(point("quartet.prompts", labels("gpu", "1", "outcome", "failed")).getValue())
        .isEqualTo(2);
    assertThat(named("quartet.prompts").getUnit()).isEmpty();
    assertThat(named("quartet.prompts").getDescription()).isEqualTo("what quartet.prompts means");
    assertThat(named("quartet.prompts").getDoubleSumData().isMonotonic()).isTrue();
    assertThat(named("quartet.prompts").getDoubleSumData().getAggregationTemporality())
        .isEqualTo(AggregationTemporality.CUMULATIVE);
    assertThat(point("sent", labels()).getValue()).isEqualTo(4 * 1024);
    assertThat(named("sent").getUnit()).isEqualTo("By");
  }

  @Test
  void whatNobodyRecordedIsNotSent() {
    figures.add(period(0));
    assertThat(figures.data()).extracting(MetricData::getName).doesNotContain("never");
  }

  @Test
  void pointsSpanFromTheFirstPeriodToTheLast() {
    figures.add(period(0));
    figures.add(period(1));
    DoublePointData depth = point("quartet.queue.depth", labels());
    assertThat(depth.getStartEpochNanos()).isEqualTo(START_NANOS);
    assertThat(depth.getEpochNanos()).isEqualTo(START_NANOS + 4_000_000_000L);
  }

  @Test
  void gaugesAreWhatTheyWereLast() {
    figures.add(period(0));
    figures.add(period(1));
    assertThat(point("quartet.queue.depth", labels()).getValue()).isEqualTo(6);
    assertThat(named("quartet.queue.depth").getType()).isEqualTo(MetricDataType.DOUBLE_GAUGE);
    assertThat(named("quartet.queue.depth").getUnit()).isEmpty();
    assertThat(named("quartet.gpu.power.watts").getUnit()).isEqualTo("W");
    assertThat(named("quartet.gpu.utilisation.ratio").getUnit()).isEqualTo("1");
  }

  @Test
  void timersAreHistogramsInSecondsWhoseBoundsBelongToTheirBucket() {
    figures.add(period(0));
    HistogramPointData first = histogram("quartet.prompt.duration");
    assertThat(first.getBoundaries()).containsExactly(0.1, 1.0, 10.0);
    assertThat(first.getCounts()).containsExactly(3L, 0L, 1L, 0L);
    assertThat(first.getSum()).isCloseTo(2.2, within(1e-9));
    figures.add(period(1));
    HistogramPointData both = histogram("quartet.prompt.duration");
    assertThat(both.getCounts()).containsExactly(3L, 0L, 1L, 4L);
    assertThat(both.getCount()).isEqualTo(8);
    assertThat(both.getSum()).isCloseTo(82.2, within(1e-9));
    assertThat(both.getAttributes()).isEqualTo(labels("gpu", "0"));
    assertThat(both.getStartEpochNanos()).isEqualTo(START_NANOS);
    assertThat(named("quartet.prompt.duration").getUnit()).isEqualTo("s");
    assertThat(named("quartet.prompt.duration").getHistogramData().getAggregationTemporality())
        .isEqualTo(AggregationTemporality.CUMULATIVE);
  }

  @Test
  void bytesAndSingleMetricsHaveBoundsOfTheirOwn() {
    figures.add(period(0));
    assertThat(histogram("jvm.memory.used").getBoundaries()).containsExactly(1024.0);
    assertThat(histogram("jvm.memory.used").getCounts()).containsExactly(1L, 2L);
    assertThat(named("jvm.memory.used").getUnit()).isEqualTo("By");
    assertThat(histogram("special").getBoundaries()).containsExactly(7.0);
    assertThat(histogram("special").getCounts()).containsExactly(0L, 1L);
    assertThat(histogram("special").getAttributes()).isEqualTo(labels("flag", "true"));
  }

  private HistogramPointData histogram(String name) {
    return named(name).getHistogramData().getPoints().iterator().next();
  }

  @Test
  void whatEveryFigureIsOf() {
    figures.add(period(0));
    assertThat(named("quartet.prompts").getResource().getAttributes())
        .isEqualTo(
            Attributes.builder()
                .put("service.name", "quartet")
                .put("service.version", "1.2.3")
                .put("service.instance.id", "node-a:8188")
                .put("quartet.node", "node-a")
                .build());
    assertThat(
            OtlpSender.resource(IDENTITY, Map.of("service.name", "pictures", "zone", "b"))
                .getAttributes()
                .asMap())
        .containsEntry(AttributeKey.stringKey("service.name"), "pictures")
        .containsEntry(AttributeKey.stringKey("zone"), "b");
  }

  @Test
  void theProductsBoundsAreThoseOfTheScrape() {
    Bounds bounds = Bounds.of(ConfigFactory.load());
    assertThat(bounds.of("quartet.prompt.duration", Periods.NANOS))
        .isEqualTo(ConfigFactory.load().getDoubleList("kamon.prometheus.buckets.time-buckets"))
        .contains(0.001, 600.0);
    assertThat(bounds.of("jvm.memory.used", MeasurementUnit.information().bytes()))
        .contains(1048576.0);
    Bounds special =
        Bounds.of(
            ConfigFactory.parseString("kamon.prometheus.buckets.custom { \"a.b\" = [1, 2] }")
                .withFallback(ConfigFactory.load()));
    assertThat(special.of("a.b", Periods.NANOS)).containsExactly(1.0, 2.0);
  }

  @Test
  void headersAreReadAsOpenTelemetryWritesThem() {
    assertThat(OtlpSender.pairs("headers", "")).isEmpty();
    assertThat(OtlpSender.pairs("headers", "authorization=Bearer%20a=b, x-tenant=7 ,,nothing"))
        .containsExactlyInAnyOrderEntriesOf(Map.of("authorization", "Bearer a=b", "x-tenant", "7"));
  }
}
