package quartet.cluster.queue;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.Placement;

/**
 * What is shown of the queue's future, made of learned times. Nothing is changed here.
 *
 * <p>Simpler than {@link Assignment}: each prompt in turn goes where it would be done first, and
 * overtaking is left out.
 *
 * <p>Cost: each waiting prompt once on each device.
 */
record Forecast(Placement placement, Backlog waiting, GpuSlots gpus, long nowMillis) {
  private static final double SECOND = 1000.0;

  /** Up to this many waiting prompts {@link #freeInSeconds} looks at each of them. */
  private static final int EXACT = 200;

  /** How the queue would empty from now on. */
  Projection project() {
    List<Projection.Planned> planned = new ArrayList<>(waiting.size());
    Map<Integer, Double> free = new LinkedHashMap<>();
    gpus.all().forEach(slot -> free.put(slot.gpuId, slot.rest(nowMillis)));
    List<GpuSlot> usable = gpus.usable();
    Iterator<Waiting> turns = waiting.turns();
    int position = 0;
    while (turns.hasNext()) {
      Waiting one = turns.next();
      position++;
      Placement.Estimate best = best(one, usable, free);
      int gpuId =
          best != null
              ? best.gpu().gpuId()
              : one.pinnedTo() != null ? one.pinnedTo() : gpus.firstId();
      Long start = null;
      if (best != null) {
        start = nowMillis + Math.round(best.gpu().queueSeconds() * SECOND);
        free.put(gpuId, best.finishSeconds());
      }
      planned.add(
          new Projection.Planned(
              one.promptId(),
              position,
              gpuId,
              start,
              one.pinnedTo() != null,
              one.pinnedTo() == null ? best : null,
              null));
    }
    return new Projection(planned, free);
  }

  private Placement.@Nullable Estimate best(
      Waiting one, List<GpuSlot> usable, Map<Integer, Double> free) {
    Placement.Estimate best = null;
    for (GpuSlot slot : usable) {
      if (one.mayRunOn(slot.gpuId)) {
        Placement.Estimate estimate =
            placement.estimate(one.work(), slot.view(free.getOrDefault(slot.gpuId, 0.0)));
        if (best == null || estimate.finishSeconds() < best.finishSeconds()) {
          best = estimate;
        }
      }
    }
    return best;
  }

  /**
   * Seconds until each device would have nothing left, as {@link #project} has it; beyond some
   * hundred waiting prompts an estimate from the first of them, so that its cost stays bounded.
   */
  Map<Integer, Double> freeInSeconds() {
    if (waiting.size() <= EXACT) {
      return project().freeInSeconds();
    }
    double cost = 0;
    Iterator<Waiting> turns = waiting.turns();
    for (int i = 0; i < EXACT && turns.hasNext(); i++) {
      cost += waiting.cost(turns.next());
    }
    double each = cost / EXACT * waiting.size() / Math.max(1, gpus.usable().size());
    Map<Integer, Double> free = new LinkedHashMap<>();
    gpus.all().forEach(slot -> free.put(slot.gpuId, slot.rest(nowMillis) + each));
    return free;
  }

  /**
   * Seconds until the next prompt ends, 1 if none runs.
   *
   * @param gpuId on this device, or null for any
   */
  double secondsToNextEnd(@Nullable Integer gpuId) {
    return gpus.all().stream()
        .filter(slot -> gpuId == null || slot.gpuId == gpuId)
        .mapToDouble(slot -> slot.rest(nowMillis))
        .filter(rest -> rest > 0)
        .min()
        .orElse(1);
  }
}
