package quartet.cluster.gpu;

import java.nio.file.Path;
import java.util.Set;
import java.util.stream.Collectors;
import quartet.engine.device.Worker;
import quartet.tensor.DeviceMemory;

/**
 * What a device holds at one moment.
 *
 * @param resident paths of the checkpoints on it
 */
public record GpuHoldings(Set<String> resident, DeviceMemory memory) {
  /** Copies the set. */
  public GpuHoldings {
    resident = Set.copyOf(resident);
  }

  /** Asked on the device's thread. */
  static GpuHoldings of(Worker worker) {
    return new GpuHoldings(
        worker.resident().stream().map(Path::toString).collect(Collectors.toSet()),
        worker.memory());
  }
}
