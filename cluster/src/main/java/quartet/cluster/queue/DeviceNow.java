package quartet.cluster.queue;

import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What is on a device at one moment, for people.
 *
 * @param resident checkpoints on it, as paths
 * @param freeBytes of its memory; negative if it is not known
 * @param totalBytes of its memory; negative if it is not known
 * @param running what it runs, or null
 */
public record DeviceNow(
    int gpuId, Set<String> resident, long freeBytes, long totalBytes, @Nullable Running running) {
  /** Copies the set. */
  public DeviceNow {
    resident = Set.copyOf(resident);
  }

  /**
   * A running prompt.
   *
   * @param startedMillis when it began, since 1970
   * @param expectedEndMillis when it should end, by learned times; before now if it takes longer
   */
  public record Running(String promptId, long startedMillis, long expectedEndMillis) {}
}
