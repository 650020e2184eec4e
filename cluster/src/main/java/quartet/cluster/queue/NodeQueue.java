package quartet.cluster.queue;

import java.util.ArrayList;
import java.util.Collection;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Predicate;
import org.jspecify.annotations.Nullable;
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
 * <p>The rules are carried out by {@link Assignment}; {@link Reordering} has what people ask for,
 * and {@link Forecast} what they are shown. Here is what happens: prompts come and go, devices
 * change.
 *
 * <p>Pure: time is passed in, nothing is started here. Thread: one caller at a time.
 */
public final class NodeQueue {
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
  private final Backlog waiting;
  private final GpuSlots gpus = new GpuSlots();
  private final Reordering reordering;

  /** A queue without devices yet. */
  public NodeQueue(Placement placement) {
    this.placement = placement;
    this.waiting =
        new Backlog(one -> placement.times().seconds(ANY_GPU, one.work(), one.work().units()));
    this.reordering = new Reordering(waiting);
  }

  /** One more device. */
  public void addGpu(int gpuId) {
    gpus.add(gpuId);
  }

  /** The devices' numbers. */
  public List<Integer> gpuIds() {
    return gpus.ids();
  }

  // What happens.

  /** A prompt waits from now on. */
  public void add(Waiting one) {
    waiting.add(one);
  }

  /** A prompt does not wait any more. */
  public Optional<Waiting> remove(String promptId) {
    return waiting.remove(promptId);
  }

  /** All prompts that match are taken out. */
  public List<Waiting> removeIf(Predicate<Waiting> which) {
    return waiting.removeIf(which);
  }

  /** Prompts that should have started by now; they are taken out. */
  public List<Waiting> expired(long nowMillis) {
    return waiting.removeExpired(nowMillis);
  }

  /**
   * Takes out waiting prompts that shall run on another server: the next ones in turn, so that a
   * client's order is kept.
   *
   * @param pinnedToo also those that name a device of this server
   */
  public List<Waiting> give(int most, boolean pinnedToo) {
    List<Waiting> given = new ArrayList<>();
    Iterator<Waiting> turns = waiting.turns();
    while (turns.hasNext() && given.size() < most) {
      Waiting one = turns.next();
      if (!SplitRun.isPart(one.promptId()) && (pinnedToo || one.pinnedTo() == null)) {
        given.add(one);
      }
    }
    given.forEach(one -> waiting.remove(one.promptId()));
    return given;
  }

  /** The prompt on a device has ended. */
  public void ended(int gpuId, String promptId, boolean success, long nowMillis) {
    GpuSlot slot = gpus.get(gpuId);
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
    GpuSlot slot = gpus.get(gpuId);
    slot.resident = Set.copyOf(resident);
    slot.freeBytes = freeBytes;
    slot.totalBytes = totalBytes;
  }

  /** A device forgot its cached outputs. */
  public void forgotCaches(int gpuId) {
    gpus.get(gpuId).cachedStages = Set.of();
  }

  /** A device is being repaired, or, with null, well again. */
  public void health(int gpuId, @Nullable String unhealthy) {
    gpus.get(gpuId).unhealthy = unhealthy;
  }

  /** No further prompts start there; what runs goes on. */
  public void pause(int gpuId, boolean paused) {
    gpus.get(gpuId).paused = paused;
  }

  // What people ask for.

  /** A waiting prompt gets another device, or any with null. */
  public Optional<Waiting> move(String promptId, @Nullable Integer gpuId) {
    if (gpuId != null) {
      gpus.get(gpuId); // there is one
    }
    return replaced(reordering.move(promptId, gpuId));
  }

  /** A waiting prompt gets another rank. */
  public Optional<Waiting> rank(String promptId, int rank) {
    return replaced(reordering.rank(promptId, rank));
  }

  /** Before everybody's. */
  public Optional<Waiting> toFront(String promptId) {
    return replaced(reordering.toFront(promptId));
  }

  /** Behind all others of its client, with no rank. */
  public Optional<Waiting> toBack(String promptId) {
    return replaced(reordering.toBack(promptId));
  }

  /**
   * Right before another waiting prompt, with its client's turn and rank.
   *
   * @return empty if one of the two does not wait
   */
  public Optional<Waiting> before(String promptId, String other) {
    return replaced(reordering.before(promptId, other));
  }

  private Optional<Waiting> replaced(Optional<Waiting> changed) {
    changed.ifPresent(waiting::add);
    return changed;
  }

  // What is decided.

  /** Prompts to be started now; from this moment they run. */
  public List<Start> assign(long nowMillis) {
    return Assignment.round(placement, waiting, gpus, nowMillis);
  }

  /** The usable device with the most memory, if it has clearly more than this one. */
  public Optional<Integer> larger(int gpuId) {
    return gpus.larger(gpuId);
  }

  /**
   * Whether a device idles that should not: it is idle, a prompt that may run there waits, and no
   * other device is forecast to have it done clearly sooner. Never true right after {@link
   * #assign}; for tests and the simulation.
   *
   * @return what is wrong, or empty
   */
  public Optional<String> idleWithoutReason(long nowMillis) {
    return new IdleCheck(placement, waiting, gpus, nowMillis).complaint();
  }

  // What is shown.

  /** How the queue would empty from now on. Affinity's overtaking is left out of it. */
  public Projection project(long nowMillis) {
    return forecast(nowMillis).project();
  }

  /**
   * Seconds until each device would have nothing left, as {@link #project} has it; beyond some
   * hundred waiting prompts an estimate from the first of them, so that its cost stays bounded.
   */
  public Map<Integer, Double> freeInSeconds(long nowMillis) {
    return forecast(nowMillis).freeInSeconds();
  }

  /**
   * Seconds until a place in the queue is free again: until the next prompt ends.
   *
   * @param gpuId on this device, or null for any
   */
  public double secondsToNextEnd(@Nullable Integer gpuId, long nowMillis) {
    return forecast(nowMillis).secondsToNextEnd(gpuId);
  }

  private Forecast forecast(long nowMillis) {
    return new Forecast(placement, waiting, gpus, nowMillis);
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

  /** How many wait that name no device. */
  public int givable() {
    return waiting.unpinned();
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
    return gpus.all().stream()
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
    return gpus.all().stream().map(GpuSlot::now).toList();
  }
}
