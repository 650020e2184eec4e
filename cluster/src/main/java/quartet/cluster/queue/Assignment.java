package quartet.cluster.queue;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Set;
import quartet.cluster.placement.GpuView;
import quartet.cluster.placement.Placement;

/**
 * One decision over all idle devices: which prompts start where. The rules stand at {@link
 * NodeQueue}.
 *
 * <p>A round looks at a window of the next prompts. Each of them starts, waits for a busy device
 * that has it done sooner, or is skipped because a later one finds its model on the idle device.
 * When the window is through, the skipped ones get what is still idle.
 *
 * <p>Starts take effect at once, on the backlog and on the slots, because they change what is best
 * for the next prompt. Owner: one round, then it is thrown away.
 */
final class Assignment {
  /** Prompts that are looked at for one decision; those for busy devices only do not count. */
  static final int LOOK_AHEAD = 512;

  /** A prompt waits for a busy device only if it would be done there in this share of the time. */
  private static final double WORTH_WAITING = 0.9;

  /** How often a prompt can be overtaken, for each device, if one of them holds its model. */
  private static final int MAX_OVERTAKEN_PER_GPU = 16;

  /** The shortest run that overtaking is counted in, in seconds. */
  private static final double SHORTEST_RUN = 0.001;

  private final Placement placement;
  private final Backlog waiting;
  private final GpuSlots gpus;
  private final long nowMillis;

  private final Set<Integer> idle = new HashSet<>();

  /** Seconds until each usable device is free, with what this round has planned there. */
  private final Map<Integer, Double> planned = new HashMap<>();

  private final List<Waiting> window;
  private final List<NodeQueue.Start> starts = new ArrayList<>();

  /** They let a later prompt go first on an idle device. */
  private final List<Waiting> skipped = new ArrayList<>();

  /** Looked at and not started: the skipped ones, and those that wait for a busy device. */
  private final List<Waiting> passed = new ArrayList<>();

  private Assignment(Placement placement, Backlog waiting, GpuSlots gpus, long nowMillis) {
    this.placement = placement;
    this.waiting = waiting;
    this.gpus = gpus;
    this.nowMillis = nowMillis;
    gpus.idle().forEach(slot -> idle.add(slot.gpuId));
    gpus.usable().forEach(slot -> planned.put(slot.gpuId, slot.rest(nowMillis)));
    this.window = somethingToDo() ? window() : List.of();
  }

  /** Prompts that start now; from this moment they run. */
  static List<NodeQueue.Start> round(
      Placement placement, Backlog waiting, GpuSlots gpus, long nowMillis) {
    return new Assignment(placement, waiting, gpus, nowMillis).run();
  }

  private boolean somethingToDo() {
    return !idle.isEmpty() && (waiting.unpinned() > 0 || idle.stream().anyMatch(waiting::namesGpu));
  }

  private List<Waiting> window() {
    List<Waiting> found = new ArrayList<>();
    Iterator<Waiting> turns = waiting.turns();
    while (turns.hasNext() && found.size() < LOOK_AHEAD) {
      Waiting one = turns.next();
      if (one.pinnedTo() == null || idle.contains(one.pinnedTo())) {
        found.add(one);
      }
    }
    return found;
  }

  private List<NodeQueue.Start> run() {
    for (int i = 0; i < window.size() && !idle.isEmpty(); i++) {
      Waiting one = window.get(i);
      if (one.pinnedTo() != null) {
        if (idle.contains(one.pinnedTo())) {
          start(one, placement.estimate(one.work(), view(one.pinnedTo())), true);
        }
      } else {
        place(one, i + 1);
      }
    }
    // What they were passed over for may have found a better place: nobody idles for that.
    while (!idle.isEmpty() && !skipped.isEmpty()) {
      Waiting one = skipped.removeFirst();
      passed.remove(one);
      place(one, window.size());
    }
    return starts;
  }

  /**
   * @param from where later prompts begin in the window
   */
  private void place(Waiting one, int from) {
    Placement.Estimate best =
        placement
            .choose(one.work(), planned.keySet().stream().map(this::view).toList())
            .orElse(null);
    if (best == null) {
      return;
    }
    Placement.Estimate now =
        placement.choose(one.work(), idle.stream().map(this::view).toList()).orElse(best);
    if (soonEnough(now.finishSeconds(), best.finishSeconds())) {
      best = now;
    }
    int gpuId = best.gpu().gpuId();
    if (!idle.contains(gpuId)) {
      planned.merge(gpuId, best.loadSeconds() + best.runSeconds(), Double::sum);
      passed.add(one);
    } else if (best.loadSeconds() > 0
        && !mustNotBeOvertaken(one, best)
        && hasWorkFor(gpuId, from)) {
      skipped.add(one);
      passed.add(one);
    } else {
      Waiting first = firstOfItsKind(one);
      start(first, placement.estimate(first.work(), view(gpuId)), false);
      if (!first.promptId().equals(one.promptId()) && !idle.isEmpty()) {
        place(one, from);
      }
    }
  }

  /**
   * Whether a prompt takes an idle device rather than wait for a busy one.
   *
   * @param hereSeconds until it would be done on the idle one
   * @param bestSeconds until it would be done on the best one
   */
  static boolean soonEnough(double hereSeconds, double bestSeconds) {
    return hereSeconds * WORTH_WAITING <= bestSeconds;
  }

  /**
   * A client's prompts of one model start in their order: when a later one gets a device that an
   * earlier one did not take, the earlier one goes.
   */
  private Waiting firstOfItsKind(Waiting one) {
    Waiting first = one;
    for (Waiting earlier : passed) {
      if (earlier.client().equals(one.client())
          && earlier.work().models().equals(one.work().models())
          && Waiting.OWN_ORDER.compare(earlier, first) < 0) {
        first = earlier;
      }
    }
    passed.remove(first);
    skipped.remove(first);
    return first;
  }

  /** Whether a later prompt could start on this device without loading anything. */
  private boolean hasWorkFor(int gpuId, int from) {
    GpuView view = view(gpuId);
    for (int i = from; i < window.size(); i++) {
      Waiting one = window.get(i);
      if (one.mayRunOn(gpuId)
          && !one.work().checkpoints().isEmpty()
          && view.holdsAll(one.work().checkpoints())
          && placement.fits(one.work(), view)) {
        return true;
      }
    }
    return false;
  }

  /** Whether a prompt was overtaken often enough. */
  private boolean mustNotBeOvertaken(Waiting one, Placement.Estimate estimate) {
    boolean resident =
        gpus.usable().stream().anyMatch(slot -> slot.view(0).holdsAll(one.work().checkpoints()));
    double allowed =
        overtakingAllowed(resident, estimate.loadSeconds(), estimate.runSeconds(), gpus.count());
    return waiting.timesOvertaken(one) >= allowed;
  }

  /**
   * How often a prompt can be overtaken. One whose model no device holds waits for no more work
   * than its own loading takes.
   *
   * @param resident whether some device holds its model
   * @param loadSeconds to load its model
   * @param runSeconds to compute it then
   * @param gpuCount devices of the server
   */
  static double overtakingAllowed(
      boolean resident, double loadSeconds, double runSeconds, int gpuCount) {
    double worth = Math.ceil(loadSeconds / Math.max(SHORTEST_RUN, runSeconds));
    double each = resident ? MAX_OVERTAKEN_PER_GPU : Math.clamp(worth, 1, MAX_OVERTAKEN_PER_GPU);
    return each * gpuCount;
  }

  private GpuView view(int gpuId) {
    return gpus.get(gpuId).view(planned.getOrDefault(gpuId, 0.0));
  }

  private void start(Waiting one, Placement.Estimate estimate, boolean named) {
    int gpuId = estimate.gpu().gpuId();
    skipped.stream().filter(other -> other.mayRunOn(gpuId)).forEach(waiting::overtake);
    idle.remove(gpuId);
    gpus.get(gpuId).start(one, estimate, nowMillis);
    planned.put(gpuId, estimate.loadSeconds() + estimate.runSeconds());
    waiting.serve(one);
    starts.add(
        new NodeQueue.Start(
            gpuId,
            one,
            named ? "GPU " + gpuId + ": named by the client" : estimate.reason(),
            waiting.size()));
  }
}
