package quartet.cluster.placement;

import java.util.Map;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * What a server tells the others of one of its devices: enough to say how long a prompt would take
 * there.
 *
 * @param index its number on its server
 * @param device as in {@code cuda:0}
 * @param state running, idle, paused or unhealthy
 * @param running the prompt it runs, or null
 * @param queue prompts that wait for it, by the forecast
 * @param resident checkpoints on it, as paths
 * @param totalBytes of its memory; negative if it is not known
 * @param freeInSeconds until it has nothing left to do
 * @param perUnit learned seconds for each pixel-step, by {@link PromptWork#models}
 * @param perUnitOtherwise the same for what was not seen there; 0 if nothing was
 * @param loadSeconds to bring a checkpoint onto it
 */
public record GpuOutlook(
    int index,
    String device,
    String state,
    @Nullable String running,
    int queue,
    Set<String> resident,
    long freeBytes,
    long totalBytes,
    double freeInSeconds,
    Map<String, Double> perUnit,
    double perUnitOtherwise,
    double loadSeconds) {
  /** States of a device as operators see them. */
  public static final String RUNNING = "running";

  /** It could start a prompt now. */
  public static final String IDLE = "idle";

  /** An operator has stopped it. */
  public static final String PAUSED = "paused";

  /** It is being repaired. */
  public static final String UNHEALTHY = "unhealthy";

  /** Copies the collections. */
  public GpuOutlook {
    resident = Set.copyOf(resident);
    perUnit = Map.copyOf(perUnit);
  }

  /** Whether it takes prompts at all. */
  public boolean usable() {
    return RUNNING.equals(state) || IDLE.equals(state);
  }

  /** Seconds of loading and computing, once it has nothing else to do. */
  public double seconds(PromptWork work) {
    GpuView view = new GpuView(index, resident, freeBytes, totalBytes, Set.of(), 0);
    double load = view.holdsAll(work.checkpoints()) ? 0 : loadSeconds;
    double unit = perUnit.getOrDefault(work.models(), perUnitOtherwise);
    return load + (unit > 0 ? unit * Math.max(1, work.units()) : StepTimes.DEFAULT_SECONDS);
  }

  /** The same device with more to do. */
  GpuOutlook after(double seconds) {
    return new GpuOutlook(
        index,
        device,
        state,
        running,
        queue + 1,
        resident,
        freeBytes,
        totalBytes,
        freeInSeconds + seconds,
        perUnit,
        perUnitOtherwise,
        loadSeconds);
  }
}
