package quartet.cluster.placement;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Set;

/**
 * What placement knows of a device.
 *
 * @param waiting prompts running or pending
 * @param capacity prompts it may hold
 * @param resident checkpoints on it
 * @param meanExecution how long a prompt took there lately
 */
public record GpuLoad(
    int gpuId, int waiting, int capacity, Set<Path> resident, Duration meanExecution) {
  /** Copies the set. */
  public GpuLoad {
    resident = Set.copyOf(resident);
  }

  /** How long a new prompt would wait. */
  public Duration expectedWait() {
    return meanExecution.multipliedBy(waiting);
  }
}
