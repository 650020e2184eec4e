package quartet.cuda;

import java.util.Map;
import org.jspecify.annotations.Nullable;

/**
 * What a GPU's sensors say at one moment. What a card does not measure is null, never zero.
 *
 * @param uuid as nvidia-smi prints it, without {@code GPU-}
 * @param name of the model, as {@code NVIDIA H200}
 * @param driver version of NVIDIA's driver
 * @param utilisation share of the last moment in which a kernel ran, 0 to 1
 * @param watts drawn now
 * @param celsius of the chip
 * @param faults how often each Xid was told since this process began to look. Source: NVIDIA's list
 *     of Xid messages
 */
public record GpuReading(
    String uuid,
    String name,
    String driver,
    @Nullable Double utilisation,
    @Nullable Double watts,
    @Nullable Double celsius,
    Map<Integer, Long> faults) {
  /** Copies the map. */
  public GpuReading {
    faults = Map.copyOf(faults);
  }
}
