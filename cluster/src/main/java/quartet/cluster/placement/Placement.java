package quartet.cluster.placement;

import java.util.Comparator;
import java.util.List;
import java.util.Optional;

/**
 * Chooses a device for a prompt that names none: the shortest queue; among equals one that holds
 * the checkpoint; among those the lowest number. Full devices are left out.
 */
public final class Placement {
  private Placement() {}

  /**
   * A choice and its reason in words.
   *
   * @param reason for example {@code GPU 2: queue 0, model resident}
   */
  public record Decision(int gpuId, String reason) {}

  /**
   * The device for a prompt, or empty if all are full.
   *
   * @param checkpoints file names of the checkpoints the prompt uses
   */
  public static Optional<Decision> choose(List<GpuLoad> gpus, java.util.Set<String> checkpoints) {
    return gpus.stream()
        .filter(gpu -> gpu.waiting() < gpu.capacity())
        .min(
            Comparator.comparingInt(GpuLoad::waiting)
                .thenComparing(gpu -> !holdsAll(gpu, checkpoints))
                .thenComparingInt(GpuLoad::gpuId))
        .map(
            gpu ->
                new Decision(
                    gpu.gpuId(),
                    "GPU %d: queue %d, model %s"
                        .formatted(
                            gpu.gpuId(),
                            gpu.waiting(),
                            holdsAll(gpu, checkpoints) ? "resident" : "to be loaded")));
  }

  /** Names come from clients: any text, also one that no path can be made of. */
  private static boolean holdsAll(GpuLoad gpu, java.util.Set<String> checkpoints) {
    return checkpoints.stream()
        .allMatch(
            name -> gpu.resident().stream().anyMatch(file -> ("/" + file).endsWith("/" + name)));
  }
}
