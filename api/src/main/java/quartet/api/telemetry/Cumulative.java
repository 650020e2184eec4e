package quartet.api.telemetry;

import io.opentelemetry.api.common.Attributes;
import io.opentelemetry.api.common.AttributesBuilder;
import io.opentelemetry.sdk.common.InstrumentationScopeInfo;
import io.opentelemetry.sdk.metrics.data.AggregationTemporality;
import io.opentelemetry.sdk.metrics.data.DoublePointData;
import io.opentelemetry.sdk.metrics.data.HistogramPointData;
import io.opentelemetry.sdk.metrics.data.MetricData;
import io.opentelemetry.sdk.metrics.internal.data.ImmutableDoublePointData;
import io.opentelemetry.sdk.metrics.internal.data.ImmutableGaugeData;
import io.opentelemetry.sdk.metrics.internal.data.ImmutableHistogramData;
import io.opentelemetry.sdk.metrics.internal.data.ImmutableHistogramPointData;
import io.opentelemetry.sdk.metrics.internal.data.ImmutableMetricData;
import io.opentelemetry.sdk.metrics.internal.data.ImmutableSumData;
import io.opentelemetry.sdk.resources.Resource;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.TimeUnit;
import kamon.metric.Distribution;
import kamon.metric.Instrument;
import kamon.metric.MeasurementUnit;
import kamon.metric.Metric;
import kamon.metric.MetricSnapshot;
import kamon.metric.PeriodSnapshot;
import kamon.tag.Tag;
import kamon.tag.TagSet;
import org.jspecify.annotations.Nullable;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/**
 * Adds Kamon's periods up to OpenTelemetry's cumulative data: counters are monotonic sums, gauges
 * are gauges, and timers, histograms and range samplers are histograms with {@link Bounds}. Values
 * are in base units. Every point has the label {@code node}, as in a scrape.
 *
 * <p>Names are Kamon's ({@code quartet.prompt.duration}, unit {@code s}); what Prometheus makes of
 * them is what a scrape has ({@code quartet_prompt_duration_seconds}).
 *
 * <p>Thread: one at a time. Source: OpenTelemetry's metrics data model.
 */
final class Cumulative {
  private static final InstrumentationScopeInfo SCOPE = InstrumentationScopeInfo.create("quartet");

  private final Resource resource;
  private final String node;
  private final Bounds bounds;
  private final Map<String, Family> counters = new TreeMap<>();
  private final Map<String, Family> gauges = new TreeMap<>();
  private final Map<String, Family> histograms = new TreeMap<>();
  private @Nullable Instant since;
  private Instant until = Instant.EPOCH;

  Cumulative(Resource resource, String node, Bounds bounds) {
    this.resource = resource;
    this.node = node;
    this.bounds = bounds;
  }

  /** A metric with its series. */
  private static final class Family {
    final String description;
    final BaseUnit unit;
    final List<Double> bounds;
    final Map<TagSet, Series> series = new HashMap<>();

    Family(String description, BaseUnit unit, List<Double> bounds) {
      this.description = description;
      this.unit = unit;
      this.bounds = bounds;
    }
  }

  /** One set of labels: a counter's or histogram's sum or a gauge's value, and the buckets. */
  private static final class Series {
    final Attributes attributes;
    final long[] buckets;
    double value;

    Series(Attributes attributes, int buckets) {
      this.attributes = attributes;
      this.buckets = new long[buckets];
    }
  }

  /** One more period. */
  void add(PeriodSnapshot period) {
    if (since == null) {
      since = period.from();
    }
    until = period.to();
    for (var metric : each(period.counters())) {
      Family family = family(counters, metric, metric.settings().unit(), List.of());
      for (var instrument : each(metric.instruments())) {
        series(family, instrument).value += family.unit.value(number(instrument));
      }
    }
    for (var metric : each(period.gauges())) {
      Family family = family(gauges, metric, metric.settings().unit(), List.of());
      for (var instrument : each(metric.instruments())) {
        series(family, instrument).value = family.unit.value(number(instrument));
      }
    }
    for (var kind : List.of(period.timers(), period.histograms(), period.rangeSamplers())) {
      for (var metric : each(kind)) {
        MeasurementUnit unit = metric.settings().unit();
        Family family = family(histograms, metric, unit, bounds.of(metric.name(), unit));
        for (var instrument : each(metric.instruments())) {
          add(family, series(family, instrument), instrument.value());
        }
      }
    }
  }

  private static void add(Family family, Series series, Distribution times) {
    series.value += family.unit.value((double) times.sum());
    for (Distribution.Bucket bucket : each(times.buckets())) {
      double value = family.unit.value((double) bucket.value());
      int at = 0;
      while (at < family.bounds.size() && value > family.bounds.get(at)) {
        at++;
      }
      series.buckets[at] += bucket.frequency();
    }
  }

  private Family family(
      Map<String, Family> families,
      MetricSnapshot<? extends Metric.Settings, ?> metric,
      MeasurementUnit unit,
      List<Double> bounds) {
    return families.computeIfAbsent(
        metric.name(), name -> new Family(metric.description(), BaseUnit.of(name, unit), bounds));
  }

  private Series series(Family family, Instrument.Snapshot<?> instrument) {
    return family.series.computeIfAbsent(
        instrument.tags(), tags -> new Series(attributes(tags), family.bounds.size() + 1));
  }

  private Attributes attributes(TagSet tags) {
    AttributesBuilder builder = Attributes.builder().put("node", node);
    for (Tag tag : each(tags.all())) {
      builder.put(tag.key(), String.valueOf(Tag.unwrapValue(tag)));
    }
    return builder.build();
  }

  private static double number(Instrument.Snapshot<?> instrument) {
    return ((Number) instrument.value()).doubleValue();
  }

  private static <T> Iterable<T> each(Seq<T> values) {
    return CollectionConverters.asJava(values);
  }

  /** Everything since the first period; empty before it. */
  List<MetricData> data() {
    if (since == null) {
      return List.of();
    }
    long from = nanos(since);
    long to = nanos(until);
    List<MetricData> data = new ArrayList<>();
    counters.forEach(
        (name, family) ->
            data.add(
                ImmutableMetricData.createDoubleSum(
                    resource,
                    SCOPE,
                    name,
                    family.description,
                    family.unit.code(),
                    ImmutableSumData.create(
                        true, AggregationTemporality.CUMULATIVE, values(family, from, to)))));
    gauges.forEach(
        (name, family) ->
            data.add(
                ImmutableMetricData.createDoubleGauge(
                    resource,
                    SCOPE,
                    name,
                    family.description,
                    family.unit.code(),
                    ImmutableGaugeData.create(values(family, from, to)))));
    histograms.forEach(
        (name, family) ->
            data.add(
                ImmutableMetricData.createDoubleHistogram(
                    resource,
                    SCOPE,
                    name,
                    family.description,
                    family.unit.code(),
                    ImmutableHistogramData.create(
                        AggregationTemporality.CUMULATIVE, spreads(family, from, to)))));
    // Kamon lists metrics that nobody has recorded anything of.
    data.removeIf(MetricData::isEmpty);
    return data;
  }

  private static List<DoublePointData> values(Family family, long from, long to) {
    return family.series.values().stream()
        .map(one -> ImmutableDoublePointData.create(from, to, one.attributes, one.value))
        .toList();
  }

  private static List<HistogramPointData> spreads(Family family, long from, long to) {
    // Smallest and largest of a whole run say nothing about now, and a receiver can live without.
    return family.series.values().stream()
        .<HistogramPointData>map(
            one ->
                ImmutableHistogramPointData.create(
                    from,
                    to,
                    one.attributes,
                    one.value,
                    false,
                    0,
                    false,
                    0,
                    family.bounds,
                    Arrays.stream(one.buckets).boxed().toList()))
        .toList();
  }

  private static long nanos(Instant instant) {
    return TimeUnit.SECONDS.toNanos(instant.getEpochSecond()) + instant.getNano();
  }
}
