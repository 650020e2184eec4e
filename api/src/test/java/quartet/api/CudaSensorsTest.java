package quartet.api;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.List;
import java.util.Map;
import java.util.concurrent.atomic.AtomicLong;
import org.junit.jupiter.api.Test;
import quartet.cuda.GpuReading;
import quartet.cuda.fake.FakeSensors;
import quartet.tensor.Device;

/** Cards are told apart by their uuids: CUDA_VISIBLE_DEVICES turns the numbers round. */
final class CudaSensorsTest {
  private static GpuReading card(String uuid, double celsius) {
    return new GpuReading(uuid, "a card", "580", 0.0, null, celsius, Map.of());
  }

  @Test
  void readingsComeToTheDeviceThatTheyAreOf() {
    FakeSensors sensors = new FakeSensors();
    sensors.set(List.of(card("a", 40), card("b", 50), card("c", 60)));
    AtomicLong nanos = new AtomicLong();
    List<Device> devices =
        List.of(Device.parse("cuda:1"), Device.parse("cpu:0"), Device.parse("cuda:0"));
    try (CudaSensors of =
        new CudaSensors(sensors, devices, ordinal -> List.of("c", "a").get(ordinal), nanos::get)) {
      assertThat(of.read()).containsOnlyKeys(0, 2);
      assertThat(of.read().toString())
          .contains("0=DeviceReading[uuid=GPU-a")
          .contains("2=DeviceReading[uuid=GPU-c");

      sensors.set(List.of(card("a", 90)));
      assertThat(of.read()).as("within a second nobody asks the cards again").hasSize(2);
      nanos.addAndGet(1_000_000_000L);
      assertThat(of.read()).as("a card that fell off the bus has no figures").containsOnlyKeys(0);
      assertThat(of.read().toString()).contains("celsius=90.0");
    }
  }

  @Test
  void doctorSaysWhatTheCardsSay() {
    GpuReading idle =
        new GpuReading("a", "NVIDIA H200", "580, CUDA 13.0", 0.0, null, 34.0, Map.of());
    assertThat(CudaProbe.sensors(List.of(idle)).toString())
        .contains("NVIDIA H200 GPU-a, driver 580, CUDA 13.0: 0 % busy, not measured, 34 °C");
    assertThat(CudaProbe.sensors(List.of()).toString()).contains("libnvidia-ml");
  }
}
