package quartet.api.telemetry;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;

/** Sensors become figures, and what is not measured becomes none. */
final class StateSamplerTest {
  private final Map<String, Double> told = new HashMap<>();
  private final StateSampler sampler =
      new StateSampler(new Told(), new ProcessFigures(Path.of(".")));

  private final class Told implements Meters {
    @Override
    public void count(Figure figure, Labels labels, long amount) {
      told.merge(
          figure.exported() + new java.util.TreeMap<>(labels.values()), amount + 0.0, Double::sum);
    }

    @Override
    public void time(Figure figure, Labels labels, Duration took) {
      throw new AssertionError("sensors have no times");
    }

    @Override
    public void now(Figure figure, Labels labels, double value) {
      told.put(figure.exported() + new java.util.TreeMap<>(labels.values()), value);
    }
  }

  @Test
  void whatIsMeasuredIsToldAndFaultsAreCountedOnce() {
    DeviceReading first =
        new DeviceReading("GPU-a", "a card", "580", 0.5, null, 61.0, Map.of(79, 2L));
    sampler.sensors(Map.of(3, first));
    sampler.sensors(Map.of(3, first));
    sampler.sensors(
        Map.of(3, new DeviceReading("GPU-a", "a card", "580", 0.5, null, 61.0, Map.of(79, 5L))));
    assertThat(told)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "quartet_gpu_utilisation_ratio{gpu=3, gpu_uuid=GPU-a}", 0.5,
                "quartet_gpu_temperature_celsius{gpu=3, gpu_uuid=GPU-a}", 61.0,
                "quartet_gpu_xid_errors_total{gpu=3, gpu_uuid=GPU-a, xid=79}", 5.0));
  }

  @Test
  void serversAreCountedByWhatTheyAre() {
    sampler.servers(List.of("up", "down", "up"));
    sampler.servers(List.of("up", "unreachable", "up"));
    assertThat(told)
        .containsExactlyInAnyOrderEntriesOf(
            Map.of(
                "quartet_cluster_servers{status=up}", 2.0,
                "quartet_cluster_servers{status=unreachable}", 1.0,
                "quartet_cluster_servers{status=leaving}", 0.0,
                "quartet_cluster_servers{status=down}", 0.0));
  }

  @Test
  void withoutSensorsThereIsNothing() {
    sampler.sensors(DeviceSensors.NONE.read());
    assertThat(told).isEmpty();
  }
}
