package quartet.cluster.queue;

import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.Placement;

/**
 * How the queue would empty if nothing else came: a forecast, made of learned times.
 *
 * @param planned in the order of the turns
 * @param freeInSeconds when each device would have nothing left, by its number
 */
public record Projection(List<Planned> planned, Map<Integer, Double> freeInSeconds) {
  /** Nothing waits. */
  public static final Projection EMPTY = new Projection(List.of(), Map.of());

  /** Copies the collections. */
  public Projection {
    planned = List.copyOf(planned);
    freeInSeconds = Map.copyOf(freeInSeconds);
  }

  /**
   * One waiting prompt.
   *
   * @param position 1 for the next one
   * @param gpuId where it would run
   * @param startMillis when; null if nothing runs there now (paused, or being repaired)
   * @param pinned whether its client or an operator named the device
   * @param why the numbers behind the choice, or null for a prompt whose client named the device
   * @param told the reason in another server's words, or null
   */
  public record Planned(
      String promptId,
      int position,
      int gpuId,
      @Nullable Long startMillis,
      boolean pinned,
      Placement.@Nullable Estimate why,
      @Nullable String told) {
    /** The same under another id. */
    public Planned of(String other) {
      return new Planned(other, position, gpuId, startMillis, pinned, why, told);
    }

    /** In words. */
    public String reason() {
      if (told != null) {
        return told;
      }
      String text = "GPU " + gpuId + ": ";
      if (startMillis == null) {
        return text + (pinned ? "named by the client, " : "") + "not taking prompts now";
      }
      Placement.Estimate known = why;
      return known == null ? text + "named by the client" : known.reason();
    }
  }
}
