package quartet.api;

import java.time.Duration;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.function.IntFunction;
import java.util.function.LongSupplier;
import org.jspecify.annotations.Nullable;
import quartet.api.telemetry.DeviceReading;
import quartet.api.telemetry.DeviceSensors;
import quartet.cuda.GpuReading;
import quartet.cuda.GpuSensors;
import quartet.tensor.Device;

/**
 * The sensors of the cards that a server uses. CUDA numbers the visible cards, the sensors number
 * all of them; uuids tell which is which. One reading serves all who ask within a second.
 */
final class CudaSensors implements DeviceSensors, AutoCloseable {
  private static final long FRESH = Duration.ofSeconds(1).toNanos();

  private final GpuSensors sensors;
  private final LongSupplier nanos;
  private final Map<String, Integer> numbers = new HashMap<>();
  private Map<Integer, DeviceReading> last = Map.of();
  private @Nullable Long looked;

  /**
   * Of these devices; others than CUDA's have none.
   *
   * @param uuids of the cards by CUDA's number; null if there is no such card
   */
  CudaSensors(
      GpuSensors sensors,
      List<Device> devices,
      IntFunction<@Nullable String> uuids,
      LongSupplier nanos) {
    this.sensors = sensors;
    this.nanos = nanos;
    for (int gpuId = 0; gpuId < devices.size(); gpuId++) {
      Device device = devices.get(gpuId);
      String uuid = device.kind() == Device.Kind.CUDA ? uuids.apply(device.index()) : null;
      if (uuid != null) {
        numbers.put(uuid, gpuId);
      }
    }
  }

  @Override
  public synchronized Map<Integer, DeviceReading> read() {
    long now = nanos.getAsLong();
    if (looked != null && now - looked < FRESH) {
      return last;
    }
    Map<Integer, DeviceReading> found = new HashMap<>();
    for (GpuReading one : sensors.read()) {
      Integer gpuId = numbers.get(one.uuid());
      if (gpuId != null) {
        found.put(
            gpuId,
            new DeviceReading(
                "GPU-" + one.uuid(),
                one.name(),
                one.driver(),
                one.utilisation(),
                one.watts(),
                one.celsius(),
                one.faults()));
      }
    }
    last = Map.copyOf(found);
    looked = now;
    return last;
  }

  @Override
  public void close() {
    sensors.close();
  }
}
