package quartet.cluster.simulate;

import java.util.List;
import java.util.Map;

/**
 * What came of a simulated run.
 *
 * @param waitSeconds from acceptance to the first start, of each prompt that ran
 * @param turnaroundSeconds from acceptance to the end
 * @param ended prompts that ended
 * @param cancelled prompts that were taken out
 * @param loads how often each device loaded a model, by {@code server/device}
 * @param starts ids in the order of their starts
 * @param busyShare share of the devices' time that they worked
 * @param seconds from the first arrival to the last end
 */
public record Outcome(
    List<Double> waitSeconds,
    List<Double> turnaroundSeconds,
    int ended,
    int cancelled,
    Map<String, Integer> loads,
    List<String> starts,
    double busyShare,
    double seconds) {
  /** Copies the collections. */
  public Outcome {
    waitSeconds = List.copyOf(waitSeconds);
    turnaroundSeconds = List.copyOf(turnaroundSeconds);
    loads = Map.copyOf(loads);
    starts = List.copyOf(starts);
  }

  /** The value below which that share of the values lie. */
  public static double quantile(List<Double> values, double share) {
    if (values.isEmpty()) {
      return 0;
    }
    List<Double> sorted = values.stream().sorted().toList();
    return sorted.get((int) Math.min(sorted.size() - 1L, Math.round(share * (sorted.size() - 1))));
  }
}
