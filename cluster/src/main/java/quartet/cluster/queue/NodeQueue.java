package quartet.cluster.queue;

import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.HashSet;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.GpuView;
import quartet.cluster.placement.Placement;
import quartet.cluster.placement.PromptWork;
import quartet.cluster.split.SplitRun;

/**
 * The queue of a server and its devices: what waits, what runs, and who is next where.
 *
 * <p>A prompt is bound to a device when it starts, not when it is posted, so nothing waits behind a
 * slow prompt while another device is idle. The rules, in this order:
 *
 * <ol>
 *   <li>A prompt that names a device runs there and nowhere else, in order.
 *   <li>Others go, in the order of {@link FairQueue}, where they would finish first. That may be a
 *       busy device that holds the model, if it is clearly sooner; then they wait for it, and the
 *       idle one looks further.
 *   <li>An idle device that would have to load a model first takes a later prompt whose model it
 *       holds. Each prompt can be overtaken so only a limited number of times.
 * </ol>
 *
 * <p>Pure: time is passed in, nothing is started here. Thread: one caller at a time.
 */
public final class NodeQueue {
  /** Prompts that are looked at for one decision; those for busy devices only do not count. */
  private static final int LOOK_AHEAD = 512;

  /** How often a prompt can be overtaken, for each device, if one of them holds its model. */
  private static final int MAX_OVERTAKEN_PER_GPU = 16;

  /** A prompt waits for a busy device only if it would be done there in this share of the time. */
  public static final double WORTH_WAITING = 0.9;

  private static final double SECOND = 1000.0;

  /** For estimates that are about no device in particular. */
  private static final int ANY_GPU = -1;

  private static final PromptWork ANY_MODEL = PromptWork.of(Set.of("?"), "?", 1);

  /**
   * To be started now.
   *
   * @param reason in words
   * @param behind how many still wait
   */
  public record Start(int gpuId, Waiting waiting, String reason, int behind) {}

  /** What a device does, for people. */
  public record GpuState(
      int gpuId, boolean paused, @Nullable String unhealthy, @Nullable String running) {}

  private final Placement placement;
  private final FairQueue waiting = new FairQueue();
  private final TreeMap<Integer, GpuSlot> gpus = new TreeMap<>();
  private final Map<Integer, Integer> pinnedCounts = new HashMap<>();
  private final Map<String, Integer> overtaken = new HashMap<>();

  private int withDeadline;

  /** A queue without devices yet. */
  public NodeQueue(Placement placement) {
    this.placement = placement;
  }

  /** One more device. */
  public void addGpu(int gpuId) {
    gpus.put(gpuId, new GpuSlot(gpuId));
  }

  /** The devices' numbers. */
  public List<Integer> gpuIds() {
    return List.copyOf(gpus.keySet());
  }

  private GpuSlot gpu(int gpuId) {
    GpuSlot slot = gpus.get(gpuId);
    if (slot == null) {
      throw new IllegalArgumentException("there is no GPU " + gpuId + ", only " + gpus.keySet());
    }
    return slot;
  }

  // What happens.

  /** A prompt waits from now on. */
  public void add(Waiting one) {
    remove(one.promptId());
    waiting.add(one);
    count(one, 1);
  }

  private void count(Waiting one, int by) {
    if (one.pinnedTo() != null) {
      pinnedCounts.merge(one.pinnedTo(), by, Integer::sum);
    }
    if (one.deadlineMillis() != null) {
      withDeadline += by;
    }
  }

  /** A prompt does not wait any more. */
  public Optional<Waiting> remove(String promptId) {
    Waiting one = waiting.remove(promptId);
    overtaken.remove(promptId);
    if (one != null) {
      count(one, -1);
    }
    return Optional.ofNullable(one);
  }

  /** All prompts that match are taken out. */
  public List<Waiting> removeIf(Predicate<Waiting> which) {
    List<Waiting> gone = waiting.all().stream().filter(which).toList();
    gone.forEach(one -> remove(one.promptId()));
    return gone;
  }

  /** Prompts that should have started by now; they are taken out. */
  public List<Waiting> expired(long nowMillis) {
    if (withDeadline == 0) {
      return List.of();
    }
    return removeIf(one -> one.deadlineMillis() != null && one.deadlineMillis() < nowMillis);
  }

  /** The prompt on a device has ended. */
  public void ended(int gpuId, String promptId, boolean success, long nowMillis) {
    GpuSlot slot = gpu(gpuId);
    GpuSlot.Running ran = slot.running;
    if (ran == null || !ran.waiting().promptId().equals(promptId)) {
      return;
    }
    slot.running = null;
    slot.cachedStages = Set.of();
    if (success) {
      PromptWork work = ran.waiting().work();
      slot.cachedStages = work.stages().keySet();
      double seconds = (nowMillis - ran.sinceMillis()) / SECOND;
      if (ran.units() > 0 || work.stages().isEmpty()) {
        placement.times().learn(gpuId, work, ran.units(), ran.resident(), seconds);
      }
    }
  }

  /** What is on a device now. Sizes below 0 are unknown. */
  public void holds(int gpuId, Set<String> resident, long freeBytes, long totalBytes) {
    GpuSlot slot = gpu(gpuId);
    slot.resident = Set.copyOf(resident);
    slot.freeBytes = freeBytes;
    slot.totalBytes = totalBytes;
  }

  /** A device forgot its cached outputs. */
  public void forgotCaches(int gpuId) {
    gpu(gpuId).cachedStages = Set.of();
  }

  /** A device is being repaired, or, with null, well again. */
  public void health(int gpuId, @Nullable String unhealthy) {
    gpu(gpuId).unhealthy = unhealthy;
  }

  /** No further prompts start there; what runs goes on. */
  public void pause(int gpuId, boolean paused) {
    gpu(gpuId).paused = paused;
  }

  /** The usable device with the most memory, if it has clearly more than this one. */
  public Optional<Integer> larger(int gpuId) {
    long here = gpu(gpuId).totalBytes;
    return gpus.values().stream()
        .filter(slot -> slot.usable() && slot.totalBytes > here + here / 20)
        .max(java.util.Comparator.comparingLong(slot -> slot.totalBytes))
        .map(slot -> slot.gpuId);
  }

  // What people ask for.

  /** A waiting prompt gets another device, or any with null. */
  public Optional<Waiting> move(String promptId, @Nullable Integer gpuId) {
    if (gpuId != null) {
      gpu(gpuId);
    }
    return replace(promptId, one -> one.pinned(gpuId));
  }

  /** A waiting prompt gets another rank. */
  public Optional<Waiting> rank(String promptId, int rank) {
    return replace(promptId, one -> one.at(one.client(), rank, one.number()));
  }

  /** Before everybody's. */
  public Optional<Waiting> toFront(String promptId) {
    double first = waiting.all().stream().mapToDouble(Waiting::number).min().orElse(0);
    return replace(promptId, one -> one.at(one.client(), Waiting.FRONT, Math.min(first, 0) - 1));
  }

  /** Behind all others of its client, with no rank. */
  public Optional<Waiting> toBack(String promptId) {
    return replace(
        promptId,
        one -> {
          List<Waiting> own = waiting.of(one.client());
          double last = own.stream().mapToDouble(Waiting::number).max().orElse(one.number());
          return one.at(one.client(), 0, last + 1);
        });
  }

  /**
   * Right before another waiting prompt, with its client's turn and rank.
   *
   * @return empty if one of the two does not wait
   */
  public Optional<Waiting> before(String promptId, String other) {
    Waiting target = waiting.find(other).orElse(null);
    if (target == null || other.equals(promptId)) {
      return Optional.empty();
    }
    double lower = target.number() - 1;
    for (Waiting one : waiting.of(target.client())) {
      if (one.rank() == target.rank()
          && one.number() < target.number()
          && !one.promptId().equals(promptId)) {
        lower = Math.max(lower, one.number());
      }
    }
    double number = (lower + target.number()) / 2;
    return replace(promptId, one -> one.at(target.client(), target.rank(), number));
  }

  private Optional<Waiting> replace(
      String promptId, java.util.function.UnaryOperator<Waiting> change) {
    Optional<Waiting> changed = waiting.find(promptId).map(change);
    changed.ifPresent(this::add);
    return changed;
  }

  // What is decided.

  /** Prompts to be started now; from this moment they run. */
  public List<Start> assign(long nowMillis) {
    Set<Integer> idle = new HashSet<>();
    gpus.values().stream().filter(GpuSlot::idle).forEach(slot -> idle.add(slot.gpuId));
    boolean nothing =
        idle.isEmpty()
            || (unpinned() == 0
                && idle.stream().noneMatch(id -> pinnedCounts.getOrDefault(id, 0) > 0));
    return nothing ? List.of() : new Round(nowMillis, idle).run();
  }

  private int unpinned() {
    return waiting.size() - pinnedCounts.values().stream().mapToInt(Integer::intValue).sum();
  }

  /** One decision over all idle devices. */
  private final class Round {
    private final long nowMillis;
    private final Set<Integer> idle;
    private final Map<Integer, Double> planned = new HashMap<>();
    private final List<Waiting> window;
    private final List<Start> starts = new ArrayList<>();
    private final List<Waiting> skipped = new ArrayList<>();
    private final List<Waiting> passed = new ArrayList<>();

    Round(long nowMillis, Set<Integer> idle) {
      this.nowMillis = nowMillis;
      this.idle = idle;
      gpus.values().stream()
          .filter(GpuSlot::usable)
          .forEach(slot -> planned.put(slot.gpuId, slot.rest(nowMillis)));
      this.window = window();
    }

    private List<Waiting> window() {
      List<Waiting> found = new ArrayList<>();
      Iterator<Waiting> turns = waiting.turns(NodeQueue.this::cost);
      while (turns.hasNext() && found.size() < LOOK_AHEAD) {
        Waiting one = turns.next();
        if (one.pinnedTo() == null || idle.contains(one.pinnedTo())) {
          found.add(one);
        }
      }
      return found;
    }

    List<Start> run() {
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
      if (now.finishSeconds() * WORTH_WAITING <= best.finishSeconds()) {
        best = now;
      }
      int gpuId = best.gpu().gpuId();
      if (!idle.contains(gpuId)) {
        planned.merge(gpuId, best.loadSeconds() + best.runSeconds(), Double::sum);
        passed.add(one);
      } else if (best.loadSeconds() > 0 && !forced(one, best) && hasWorkFor(gpuId, from)) {
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

    private GpuView view(int gpuId) {
      return gpu(gpuId).view(planned.getOrDefault(gpuId, 0.0));
    }

    private void start(Waiting one, Placement.Estimate estimate, boolean named) {
      int gpuId = estimate.gpu().gpuId();
      skipped.stream()
          .filter(passed -> passed.mayRunOn(gpuId))
          .forEach(passed -> overtaken.merge(passed.promptId(), 1, Integer::sum));
      idle.remove(gpuId);
      GpuSlot slot = gpu(gpuId);
      double units = one.work().unitsWithout(slot.cachedStages);
      slot.running =
          new GpuSlot.Running(
              one,
              nowMillis,
              estimate.loadSeconds(),
              estimate.runSeconds(),
              units,
              estimate.loadSeconds() == 0);
      slot.expect(one.work().checkpoints());
      planned.put(gpuId, estimate.loadSeconds() + estimate.runSeconds());
      waiting.serve(one, cost(one));
      overtaken.remove(one.promptId());
      count(one, -1);
      starts.add(
          new Start(
              gpuId,
              one,
              named ? "GPU " + gpuId + ": named by the client" : estimate.reason(),
              waiting.size()));
    }
  }

  /**
   * Whether a prompt was overtaken often enough. One whose model no device holds waits for no more
   * work than its own loading takes.
   */
  private boolean forced(Waiting one, Placement.Estimate estimate) {
    boolean homed =
        gpus.values().stream()
            .anyMatch(slot -> slot.usable() && slot.view(0).holdsAll(one.work().checkpoints()));
    double worth = Math.ceil(estimate.loadSeconds() / Math.max(0.001, estimate.runSeconds()));
    double each = homed ? MAX_OVERTAKEN_PER_GPU : Math.clamp(worth, 1, MAX_OVERTAKEN_PER_GPU);
    return overtaken.getOrDefault(one.promptId(), 0) >= each * gpus.size();
  }

  private double cost(Waiting one) {
    return placement.times().seconds(ANY_GPU, one.work(), one.work().units());
  }

  /**
   * Whether a device idles that should not: it is idle, a prompt that may run there waits, and no
   * other device is forecast to have it done clearly sooner. Never true right after {@link
   * #assign}; for tests and the simulation.
   *
   * @return what is wrong, or empty
   */
  public Optional<String> idleWithoutReason(long nowMillis) {
    List<GpuView> usable =
        gpus.values().stream()
            .filter(GpuSlot::usable)
            .map(slot -> slot.view(slot.rest(nowMillis)))
            .toList();
    Iterator<Waiting> turns = waiting.turns(this::cost);
    for (int i = 0; i < LOOK_AHEAD && turns.hasNext(); i++) {
      Waiting one = turns.next();
      for (GpuSlot slot : gpus.values()) {
        if (slot.idle() && one.mayRunOn(slot.gpuId)) {
          double here = placement.estimate(one.work(), slot.view(0)).finishSeconds();
          double best =
              one.pinnedTo() != null
                  ? here
                  : placement
                      .choose(one.work(), usable)
                      .map(Placement.Estimate::finishSeconds)
                      .orElse(here);
          boolean tooSmall = !placement.fits(one.work(), slot.view(0));
          if (!tooSmall && here * WORTH_WAITING <= best) {
            return Optional.of(
                "GPU %d idles while prompt %s waits (%.3f s here, %.3f s at best)"
                    .formatted(slot.gpuId, one.promptId(), here, best));
          }
        }
      }
    }
    return Optional.empty();
  }

  // What is shown.

  /** How the queue would empty from now on. Affinity's overtaking is left out of it. */
  public Projection project(long nowMillis) {
    List<Projection.Planned> planned = new ArrayList<>(waiting.size());
    Map<Integer, Double> free = new LinkedHashMap<>();
    gpus.values().forEach(slot -> free.put(slot.gpuId, slot.rest(nowMillis)));
    List<GpuSlot> usable = gpus.values().stream().filter(GpuSlot::usable).toList();
    Iterator<Waiting> turns = waiting.turns(this::cost);
    int position = 0;
    while (turns.hasNext()) {
      Waiting one = turns.next();
      position++;
      Placement.Estimate best = best(one, usable, free);
      int gpuId =
          best != null
              ? best.gpu().gpuId()
              : one.pinnedTo() != null ? one.pinnedTo() : gpus.firstKey();
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

  /** Up to this many waiting prompts a forecast looks at each of them. */
  private static final int EXACT = 200;

  /**
   * Seconds until each device would have nothing left, as {@link #project} has it; beyond some
   * hundred waiting prompts an estimate from the first of them, so that its cost stays bounded.
   */
  public Map<Integer, Double> freeInSeconds(long nowMillis) {
    if (waiting.size() <= EXACT) {
      return project(nowMillis).freeInSeconds();
    }
    double cost = 0;
    Iterator<Waiting> turns = waiting.turns(this::cost);
    for (int i = 0; i < EXACT && turns.hasNext(); i++) {
      cost += cost(turns.next());
    }
    long usable = Math.max(1, gpus.values().stream().filter(GpuSlot::usable).count());
    double each = cost / EXACT * waiting.size() / usable;
    Map<Integer, Double> free = new LinkedHashMap<>();
    gpus.values().forEach(slot -> free.put(slot.gpuId, slot.rest(nowMillis) + each));
    return free;
  }

  /** How many wait that name no device. */
  public int givable() {
    return unpinned();
  }

  /**
   * Takes out waiting prompts that shall run on another server: the next ones in turn, so that a
   * client's order is kept.
   *
   * @param pinnedToo also those that name a device of this server
   */
  public List<Waiting> give(int most, boolean pinnedToo) {
    List<Waiting> given = new ArrayList<>();
    Iterator<Waiting> turns = waiting.turns(this::cost);
    while (turns.hasNext() && given.size() < most) {
      Waiting one = turns.next();
      if (!SplitRun.isPart(one.promptId()) && (pinnedToo || one.pinnedTo() == null)) {
        given.add(one);
      }
    }
    given.forEach(one -> remove(one.promptId()));
    return given;
  }

  /** What was learned of a device. */
  public Map<String, Double> perUnit(int gpuId) {
    return placement.times().perUnit(gpuId);
  }

  /** Seconds to load some checkpoint onto a device, as far as it is known. */
  public double loadSeconds(int gpuId) {
    return placement.times().loadSeconds(gpuId, ANY_MODEL);
  }

  /** How many wait. */
  public int size() {
    return waiting.size();
  }

  /** A waiting prompt. */
  public Optional<Waiting> find(String promptId) {
    return waiting.find(promptId);
  }

  /** All that wait, in no order. */
  public Collection<Waiting> all() {
    return waiting.all();
  }

  /** What the devices do. */
  public List<GpuState> states() {
    return gpus.values().stream()
        .map(
            slot ->
                new GpuState(
                    slot.gpuId,
                    slot.paused,
                    slot.unhealthy,
                    slot.running == null ? null : slot.running.waiting().promptId()))
        .toList();
  }

  /** What is on the devices, in the order of their numbers. */
  public List<DeviceNow> devices() {
    return gpus.values().stream().map(GpuSlot::now).toList();
  }

  /**
   * Seconds until a place in the queue is free again: until the next prompt ends.
   *
   * @param gpuId on this device, or null for any
   */
  public double secondsToNextEnd(@Nullable Integer gpuId, long nowMillis) {
    return gpus.values().stream()
        .filter(slot -> gpuId == null || slot.gpuId == gpuId)
        .mapToDouble(slot -> slot.rest(nowMillis))
        .filter(rest -> rest > 0)
        .min()
        .orElse(1);
  }
}
