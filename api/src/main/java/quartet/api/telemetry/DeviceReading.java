package quartet.api.telemetry;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a device's sensors say now. What it does not measure is null, never zero.
 *
 * @param uuid the card's own, whatever its number
 * @param model as {@code NVIDIA H200}
 * @param driver version of its driver
 * @param utilisation share of the last moment in which it computed, 0 to 1
 * @param watts drawn
 * @param celsius of the chip
 * @param faults how often it told each fault code since the server started
 */
public record DeviceReading(
    String uuid,
    String model,
    String driver,
    @Nullable Double utilisation,
    @Nullable Double watts,
    @Nullable Double celsius,
    Map<Integer, Long> faults) {
  /** Copies the map. */
  public DeviceReading {
    faults = Map.copyOf(faults);
  }
}
