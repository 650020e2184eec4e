package quartet.api.telemetry;

import com.typesafe.config.Config;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import kamon.metric.MeasurementUnit;

/**
 * Upper bounds of histograms' buckets, in base units: the ones that {@code /metrics} has, so that
 * the same question has the same answer either way. Source: {@code kamon.prometheus.buckets}.
 *
 * @param byDimension by Kamon's name of what is measured
 * @param byMetric of single metrics, which go first
 * @param others of everything else
 */
record Bounds(
    Map<String, List<Double>> byDimension,
    Map<String, List<Double>> byMetric,
    List<Double> others) {
  /** Copies the maps and the list. */
  Bounds {
    byDimension = Map.copyOf(byDimension);
    byMetric = Map.copyOf(byMetric);
    others = List.copyOf(others);
  }

  /** Those of the configuration. */
  static Bounds of(Config config) {
    Config buckets = config.getConfig("kamon.prometheus.buckets");
    Config custom = buckets.getConfig("custom");
    Map<String, List<Double>> byMetric = new TreeMap<>();
    // Names have dots, so that an unquoted one is a path: both spellings are found by their entry.
    custom
        .entrySet()
        .forEach(
            entry ->
                byMetric.put(
                    entry.getKey().replace("\"", ""), custom.getDoubleList(entry.getKey())));
    return new Bounds(
        Map.of(
            MeasurementUnit.time().seconds().dimension().name(),
            buckets.getDoubleList("time-buckets"),
            MeasurementUnit.information().bytes().dimension().name(),
            buckets.getDoubleList("information-buckets"),
            MeasurementUnit.percentage().dimension().name(),
            buckets.getDoubleList("percentage-buckets")),
        byMetric,
        buckets.getDoubleList("default-buckets"));
  }

  /** Those of a metric, rising. */
  List<Double> of(String metric, MeasurementUnit unit) {
    List<Double> own = byMetric.get(metric);
    return own != null ? own : byDimension.getOrDefault(unit.dimension().name(), others);
  }
}
