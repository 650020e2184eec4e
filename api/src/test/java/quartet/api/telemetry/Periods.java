package quartet.api.telemetry;

import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import kamon.metric.Distribution;
import kamon.metric.DynamicRange;
import kamon.metric.Instrument;
import kamon.metric.MeasurementUnit;
import kamon.metric.Metric$Settings$ForDistributionInstrument;
import kamon.metric.Metric$Settings$ForValueInstrument;
import kamon.metric.MetricSnapshot;
import kamon.metric.PeriodSnapshot;
import kamon.tag.TagSet;
import scala.collection.immutable.Seq;
import scala.jdk.javaapi.CollectionConverters;

/** Kamon's periods, made by hand. */
final class Periods {
  static final Instant START = Instant.parse("2026-01-01T00:00:00.000000001Z");
  static final MeasurementUnit NANOS = MeasurementUnit.time().nanoseconds();

  private Periods() {}

  /** What was recorded: how often each value. */
  private record Recorded(Map<Long, Long> frequencies) implements Distribution {
    private record Bar(long value, long frequency) implements Bucket {}

    @Override
    public DynamicRange dynamicRange() {
      return DynamicRange.Default();
    }

    @Override
    public long min() {
      throw new AssertionError("not asked for");
    }

    @Override
    public long max() {
      throw new AssertionError("not asked for");
    }

    @Override
    public long sum() {
      return frequencies.entrySet().stream().mapToLong(e -> e.getKey() * e.getValue()).sum();
    }

    @Override
    public long count() {
      return frequencies.values().stream().mapToLong(Long::longValue).sum();
    }

    @Override
    public Percentile percentile(double rank) {
      throw new AssertionError("not asked for");
    }

    @Override
    public Seq<Percentile> percentiles() {
      throw new AssertionError("not asked for");
    }

    @Override
    public scala.collection.Iterator<Percentile> percentilesIterator() {
      throw new AssertionError("not asked for");
    }

    @Override
    public Seq<Bucket> buckets() {
      return seq(
          new TreeMap<>(frequencies)
              .entrySet().stream().<Bucket>map(e -> new Bar(e.getKey(), e.getValue())).toList());
    }

    @Override
    public scala.collection.Iterator<Bucket> bucketsIterator() {
      return buckets().iterator();
    }
  }

  /** The {@code number}th period of two seconds. */
  static PeriodSnapshot period(
      int number,
      List<MetricSnapshot<Metric$Settings$ForValueInstrument, Object>> counters,
      List<MetricSnapshot<Metric$Settings$ForValueInstrument, Object>> gauges,
      List<MetricSnapshot<Metric$Settings$ForDistributionInstrument, Distribution>> histograms,
      List<MetricSnapshot<Metric$Settings$ForDistributionInstrument, Distribution>> timers) {
    return new PeriodSnapshot(
        START.plusSeconds(2L * number),
        START.plusSeconds(2L * number + 2),
        seq(counters),
        seq(gauges),
        seq(histograms),
        seq(timers),
        seq(List.of()));
  }

  static MetricSnapshot<Metric$Settings$ForValueInstrument, Object> value(
      String name, MeasurementUnit unit, Map<Map<String, Object>, Object> values) {
    return new MetricSnapshot<>(
        name,
        "what " + name + " means",
        new Metric$Settings$ForValueInstrument(unit, Duration.ofSeconds(1)),
        seq(
            values.entrySet().stream()
                .map(e -> new Instrument.Snapshot<>(TagSet.from(e.getKey()), e.getValue()))
                .toList()));
  }

  static MetricSnapshot<Metric$Settings$ForDistributionInstrument, Distribution> distribution(
      String name, MeasurementUnit unit, Map<String, Object> labels, Map<Long, Long> frequencies) {
    return new MetricSnapshot<>(
        name,
        "what " + name + " means",
        new Metric$Settings$ForDistributionInstrument(
            unit, Duration.ofSeconds(1), DynamicRange.Default()),
        seq(
            List.of(
                new Instrument.Snapshot<Distribution>(
                    TagSet.from(labels), new Recorded(frequencies)))));
  }

  static <T> Seq<T> seq(List<T> values) {
    return CollectionConverters.asScala(values).toList();
  }
}
