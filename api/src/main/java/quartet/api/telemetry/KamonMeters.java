package quartet.api.telemetry;

import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import kamon.Kamon;
import kamon.metric.Counter;
import kamon.metric.Gauge;
import kamon.metric.MeasurementUnit;
import kamon.metric.Timer;
import kamon.tag.TagSet;

/** Figures kept by Kamon. Instruments are looked up once for each set of labels. */
final class KamonMeters implements Meters {
  private record Key(Figure figure, Labels labels) {}

  private final Map<Key, Counter> counters = new ConcurrentHashMap<>();
  private final Map<Key, Timer> timers = new ConcurrentHashMap<>();
  private final Map<Key, Gauge> gauges = new ConcurrentHashMap<>();

  @Override
  public void count(Figure figure, Labels labels, long amount) {
    counters
        .computeIfAbsent(
            new Key(figure, labels),
            key -> Kamon.counter(figure.key(), figure.help()).withTags(tags(labels)))
        .increment(amount);
  }

  @Override
  public void time(Figure figure, Labels labels, Duration took) {
    timers
        .computeIfAbsent(
            new Key(figure, labels),
            key -> Kamon.timer(figure.key(), figure.help()).withTags(tags(labels)))
        .record(Math.max(0, took.toNanos()));
  }

  @Override
  public void now(Figure figure, Labels labels, double value) {
    gauges
        .computeIfAbsent(
            new Key(figure, labels),
            key -> Kamon.gauge(figure.key(), figure.help(), unit(figure)).withTags(tags(labels)))
        .update(value);
  }

  private static MeasurementUnit unit(Figure figure) {
    return switch (figure.kind()) {
      case BYTES -> MeasurementUnit.information().bytes();
      case SECONDS -> MeasurementUnit.time().seconds();
      case COUNTER, GAUGE, RATIO, WATTS, CELSIUS, TIMER -> MeasurementUnit.none();
    };
  }

  private static TagSet tags(Labels labels) {
    return TagSet.from(Map.<String, Object>copyOf(labels.values()));
  }
}
