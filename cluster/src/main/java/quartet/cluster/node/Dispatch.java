package quartet.cluster.node;

import java.time.Clock;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuActor;
import quartet.cluster.gpu.GpuFigures;
import quartet.cluster.gpu.GpuHoldings;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.gpu.GpuSnapshot;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.placement.GpuOutlook;
import quartet.cluster.queue.DeviceNow;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Projection;
import quartet.cluster.queue.Waiting;
import quartet.cluster.split.SplitRun;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;
import quartet.errors.Required;

/**
 * Carries out what {@link NodeQueue} decides: starts prompts on devices, takes them back from
 * devices that failed, and shows what is going on.
 *
 * <p>Thread: the router's.
 */
final class Dispatch {
  private static final Logger LOG = LoggerFactory.getLogger(Dispatch.class);

  /** A prompt that took devices down twice is not tried a third time. */
  private static final int MAX_DEVICE_FAILURES = 2;

  private final NodeQueue queue;
  private final GpuGroup gpus;
  private final OpenPrompts open;
  private final Clock clock;
  private final Consumer<PromptEvent.Ended> ends;
  private final Consumer<OpenPrompts.Open> joins;
  private final Map<Integer, String> devices = new HashMap<>();
  private final Map<Integer, GpuFigures> figures = new HashMap<>();
  private final Map<Integer, PromptJob> running = new HashMap<>();

  /** Off their devices and not ended, by prompt id, in the order in which they left. */
  private final Map<String, Ending> leaving = new LinkedHashMap<>();

  /** By prompt id, in the order in which they ended. */
  private final Map<String, Ending> endings = new LinkedHashMap<>();

  private RouterProtocol.DrainMode drain = RouterProtocol.DrainMode.OFF;
  private @Nullable String whyLeaving;
  private @Nullable Projection projection;
  private @Nullable List<GpuSnapshot> shown;

  /**
   * Nothing is there yet.
   *
   * @param ends hears of prompts that end here and not on a device
   * @param joins hears of prompts whose parts have all ended
   */
  Dispatch(
      NodeQueue queue,
      GpuGroup gpus,
      OpenPrompts open,
      Clock clock,
      Consumer<PromptEvent.Ended> ends,
      Consumer<OpenPrompts.Open> joins) {
    this.queue = queue;
    this.gpus = gpus;
    this.open = open;
    this.clock = clock;
    this.ends = ends;
    this.joins = joins;
  }

  void addGpu(int gpuId, String device) {
    queue.addGpu(gpuId);
    devices.put(gpuId, device);
    figures.put(gpuId, GpuFigures.NONE);
  }

  /** A stored prompt waits from now on. */
  void add(OpenPrompts.Open opened) {
    Waiting one = Turns.waiting(opened.entry);
    enqueue(opened, one.rank(), one.pinnedTo());
    go();
  }

  /** The same without a look at what can start. */
  void enqueue(OpenPrompts.Open opened, int rank, @Nullable Integer pinnedTo) {
    Waiting one = Turns.waiting(opened.entry, rank, pinnedTo);
    opened.split = SplitRun.of(opened.job(), gpus.ids().size());
    if (opened.split == null) {
      queue.add(one);
    } else {
      opened.split.waiting(one).forEach(queue::add);
    }
  }

  /** The open prompt of an id in the queue, which may be a part's. */
  private OpenPrompts.@Nullable Open find(String id) {
    return open.find(SplitRun.promptId(id));
  }

  /** Starts whatever can be started now. */
  void go() {
    changed();
    for (Waiting late : queue.expired(clock.millis())) {
      ExecutionOutcome outcome =
          ExecutionOutcome.Failed.outsideNodes(
              ErrorKind.BUSY,
              "The prompt waited longer than its deadline of %s s allows."
                  .formatted(deadline(late.promptId())));
      if (SplitRun.isPart(late.promptId())) {
        partEnded(late.promptId(), outcome);
      } else {
        endHere(late.promptId(), outcome);
      }
    }
    if (whyLeaving != null || drain == RouterProtocol.DrainMode.RUNNING) {
      return;
    }
    for (NodeQueue.Start start : queue.assign(clock.millis())) {
      OpenPrompts.Open opened = find(start.waiting().promptId());
      if (opened == null) {
        throw new IllegalStateException(
            "prompt " + start.waiting().promptId() + " waits and is not open");
      }
      opened.gpuId = start.gpuId();
      PromptJob job =
          opened.split == null ? opened.job() : opened.split.job(start.waiting().promptId());
      running.put(start.gpuId(), job);
      gpus.get(start.gpuId()).tell(new GpuActor.Run(job, start.behind()));
      if (opened.entry.pinnedTo() == null) {
        LOG.info(
            "Routing prompt {} to GPU {} ({})",
            start.waiting().promptId(),
            start.gpuId(),
            start.reason());
      }
      changed();
    }
  }

  private void changed() {
    projection = null;
    shown = null;
  }

  private String deadline(String promptId) {
    OpenPrompts.Open opened = find(promptId);
    return opened == null ? "?" : opened.job().extraData().path(Turns.DEADLINE).asText();
  }

  private void endHere(String promptId, ExecutionOutcome outcome) {
    OpenPrompts.Open opened = open.find(promptId);
    if (opened != null) {
      int gpuId = opened.gpuId == null ? PromptLife.NOWHERE : opened.gpuId;
      LOG.error("❌ Prompt {} failed without being run: {}", promptId, message(outcome));
      ends.accept(new PromptEvent.Ended(opened.job(), gpuId, outcome, clock.millis()));
    }
  }

  private static String message(ExecutionOutcome outcome) {
    return outcome instanceof ExecutionOutcome.Failed failed ? failed.message() : "";
  }

  // What devices report.

  /** A device can take the next prompt; what is left of this one needs none. */
  void left(GpuReport.LeftDevice report) {
    running.remove(report.gpuId());
    leaving.put(report.job().promptId(), new Ending(report.gpuId(), report.job()));
    queue.ended(report.gpuId(), report.job().promptId(), report.success(), clock.millis());
    holds(report.gpuId(), report.holdings());
    go();
  }

  /**
   * A prompt has ended that has left its device.
   *
   * @return whether that is its end; false if it is tried on a device with more memory
   */
  boolean finished(GpuReport.Finished report) {
    String promptId = report.end().job().promptId();
    ExecutionOutcome outcome = report.end().outcome();
    leaving.remove(promptId);
    figures.put(report.gpuId(), report.figures());
    if (SplitRun.isPart(promptId)) {
      partEnded(promptId, outcome);
      go();
      return false;
    }
    boolean over = !triesLarger(report.gpuId(), promptId, outcome);
    if (over) {
      ending(report.gpuId(), report.end().job());
    }
    go();
    return over;
  }

  /** A part has ended: if it failed, the others are of no use; the last one ends the whole. */
  private void partEnded(String id, ExecutionOutcome outcome) {
    OpenPrompts.Open opened = find(id);
    if (opened == null || opened.split == null) {
      return;
    }
    SplitRun split = opened.split;
    split.ended(id, outcome);
    if (split.failed()) {
      for (String other : split.ids()) {
        if (queue.remove(other).isPresent()) {
          split.ended(other, outcome);
        }
      }
      running.forEach(
          (gpuId, job) -> {
            if (split.ids().contains(job.promptId())) {
              gpus.get(gpuId).tell(new GpuActor.Interrupt(job.promptId()));
            }
          });
    }
    if (split.isOver()) {
      ending(opened.gpuId == null ? PromptLife.NOWHERE : opened.gpuId, opened.job());
      joins.accept(opened);
    }
  }

  private boolean triesLarger(int gpuId, String promptId, ExecutionOutcome outcome) {
    OpenPrompts.Open opened = open.find(promptId);
    if (!(outcome instanceof ExecutionOutcome.Failed failed)
        || failed.kind() != ErrorKind.OUT_OF_MEMORY
        || opened == null
        || opened.triedLarger
        || opened.entry.pinnedTo() != null) {
      return false;
    }
    Optional<Integer> larger = queue.larger(gpuId);
    larger.ifPresent(
        other -> {
          LOG.warn(
              "Prompt {} did not fit GPU {}; it goes to GPU {}, which has more memory",
              promptId,
              gpuId,
              other);
          opened.triedLarger = true;
          queue.add(Turns.waiting(opened.entry, Waiting.INTERRUPTED, other));
        });
    return larger.isPresent();
  }

  void holds(int gpuId, GpuHoldings holdings) {
    queue.holds(
        gpuId, holdings.resident(), holdings.memory().freeBytes(), holdings.memory().totalBytes());
  }

  void up(GpuReport.Up report) {
    queue.health(report.gpuId(), null);
    holds(report.gpuId(), report.holdings());
    go();
  }

  /** The prompt that was taken back, or null. */
  @Nullable PromptJob down(GpuReport.Down report) {
    queue.health(report.gpuId(), report.reason());
    queue.holds(report.gpuId(), Set.of(), -1, -1);
    PromptJob job = takeBack(report.gpuId(), report.interrupted());
    go();
    return job;
  }

  /**
   * The device cannot be used by this process any more: start nothing, and leave when idle.
   *
   * @return the prompt that was taken back, or null
   */
  @Nullable PromptJob lost(GpuReport.Lost report) {
    whyLeaving = "GPU %d: %s".formatted(report.gpuId(), report.reason());
    queue.health(report.gpuId(), report.reason());
    PromptJob job = takeBack(report.gpuId(), report.interrupted());
    go();
    return job;
  }

  private @Nullable PromptJob takeBack(int gpuId, @Nullable PromptJob interrupted) {
    boolean off = interrupted != null && leaving.remove(interrupted.promptId()) != null;
    PromptJob ran = off ? null : running.remove(gpuId);
    PromptJob job = interrupted == null ? ran : interrupted;
    OpenPrompts.Open opened = job == null ? null : find(job.promptId());
    if (opened == null || job == null) {
      return job;
    }
    String promptId = job.promptId();
    queue.ended(gpuId, promptId, false, clock.millis());
    opened.deviceFailures++;
    if (opened.deviceFailures >= MAX_DEVICE_FAILURES && whyLeaving == null) {
      ExecutionOutcome outcome =
          ExecutionOutcome.Failed.outsideNodes(
              ErrorKind.DEVICE, "The device failed twice while it ran this prompt.");
      if (opened.split == null) {
        endHere(promptId, outcome);
      } else {
        partEnded(promptId, outcome);
      }
    } else {
      LOG.warn("Prompt {} was interrupted by a failure of GPU {}; it runs again", promptId, gpuId);
      Waiting again = Turns.waiting(opened.entry, Waiting.INTERRUPTED, opened.entry.pinnedTo());
      if (opened.split == null) {
        queue.add(again);
      } else {
        opened.split.waiting(again).stream()
            .filter(part -> part.promptId().equals(promptId))
            .forEach(queue::add);
      }
    }
    return job;
  }

  /** Why the process has to end, once it may; null if it has not to, or not yet. */
  @Nullable String leavesNow() {
    return running.isEmpty() && leaving.isEmpty() ? whyLeaving : null;
  }

  // What people ask for.

  /** Takes waiting prompts out. */
  List<PromptJob> remove(Set<String> promptIds) {
    List<PromptJob> removed = new ArrayList<>();
    for (String id : promptIds) {
      OpenPrompts.Open opened = open.find(id);
      boolean gone =
          (opened != null && opened.split != null)
              ? removeParts(opened.split)
              : queue.remove(id).isPresent();
      if (gone && opened != null) {
        LOG.info("Prompt {} taken out of the queue", id);
        removed.add(opened.job());
      }
    }
    go();
    return removed;
  }

  /** Takes a split prompt out, if none of its parts has begun. */
  private boolean removeParts(SplitRun split) {
    boolean waits = split.ids().stream().allMatch(id -> queue.find(id).isPresent());
    if (waits) {
      split.ids().forEach(queue::remove);
    }
    return waits;
  }

  /** Takes out all that wait, or all that would run on one device. */
  List<PromptJob> clear(@Nullable Integer gpuId) {
    List<String> ids =
        projection().planned().stream()
            .filter(one -> gpuId == null || one.gpuId() == gpuId)
            .map(Projection.Planned::promptId)
            .map(SplitRun::promptId)
            .toList();
    return remove(Set.copyOf(ids));
  }

  /**
   * Stops prompts.
   *
   * @param promptId only this one; null for what the devices compute, or, on devices that have
   *     nothing to do, for what they have computed last
   */
  void interrupt(@Nullable String promptId, @Nullable Integer gpuId) {
    for (int id : gpus.chosen(gpuId)) {
      PromptJob onDevice = running.get(id);
      List<PromptJob> jobs =
          leaving.values().stream()
              .filter(one -> one.gpuId() == id && (promptId != null || onDevice == null))
              .map(Ending::job)
              .collect(Collectors.toCollection(ArrayList::new));
      if (onDevice != null) {
        jobs.add(onDevice);
      }
      jobs.stream()
          .map(PromptJob::promptId)
          .filter(job -> promptId == null || promptId.equals(SplitRun.promptId(job)))
          .forEach(job -> gpus.get(id).tell(new GpuActor.Interrupt(job)));
    }
  }

  void pause(@Nullable Integer gpuId, boolean paused) {
    for (int id : gpus.chosen(gpuId)) {
      LOG.info(
          paused ? "⏸ [GPU {}] paused: it takes no further prompts" : "▶ [GPU {}] resumed", id);
      queue.pause(id, paused);
    }
    go();
  }

  /** The prompt at its new place, or empty if it does not wait. */
  Optional<Waiting> move(String promptId, RouterProtocol.Where where) {
    OpenPrompts.Open opened = open.find(promptId);
    if (opened != null && opened.split != null) {
      return opened.split.ids().stream()
          .flatMap(part -> moveOne(part, where).stream())
          .reduce((first, second) -> first);
    }
    return moveOne(promptId, where);
  }

  private Optional<Waiting> moveOne(String promptId, RouterProtocol.Where where) {
    Optional<Waiting> moved =
        switch (where) {
          case RouterProtocol.ToGpu to -> queue.move(promptId, to.gpuId());
          case RouterProtocol.ToFront ignored -> queue.toFront(promptId);
          case RouterProtocol.ToBack ignored -> queue.toBack(promptId);
          case RouterProtocol.Before before -> queue.before(promptId, before.promptId());
          case RouterProtocol.Priority priority -> queue.rank(promptId, priority.priority());
        };
    return moved;
  }

  void drain(RouterProtocol.DrainMode mode) {
    if (drain != mode) {
      LOG.info(
          switch (mode) {
            case OFF -> "▶ New prompts are taken again";
            case RUNNING -> "🚰 Draining: no new prompts; running ones end, waiting ones stay";
            case QUEUE -> "🚰 Draining: no new prompts; the queue is run to its end";
          });
    }
    drain = mode;
    go();
  }

  RouterProtocol.DrainState drained() {
    return new RouterProtocol.DrainState(drain, running.size() + leaving.size(), queue.size());
  }

  boolean draining() {
    return drain != RouterProtocol.DrainMode.OFF;
  }

  // What other servers ask for.

  /** Takes waiting prompts out that shall run elsewhere. */
  List<OpenPrompts.Open> give(int most, boolean pinnedToo) {
    List<OpenPrompts.Open> given = new ArrayList<>();
    for (Waiting one : queue.give(most, pinnedToo)) {
      OpenPrompts.Open opened = open.find(one.promptId());
      if (opened != null) {
        given.add(opened);
      }
    }
    changed();
    return given;
  }

  /** What a prompt would meet here. */
  List<GpuOutlook> outlook() {
    Map<Integer, Double> free = queue.freeInSeconds(clock.millis());
    Map<Integer, DeviceNow> now = new HashMap<>();
    queue.devices().forEach(device -> now.put(device.gpuId(), device));
    List<GpuOutlook> all = new ArrayList<>();
    for (NodeQueue.GpuState state : queue.states()) {
      int id = state.gpuId();
      DeviceNow device = Required.in(now, id);
      Map<String, Double> perUnit = queue.perUnit(id);
      all.add(
          new GpuOutlook(
              id,
              devices.getOrDefault(id, ""),
              state.unhealthy() != null
                  ? GpuOutlook.UNHEALTHY
                  : state.paused()
                      ? GpuOutlook.PAUSED
                      : state.running() != null ? GpuOutlook.RUNNING : GpuOutlook.IDLE,
              state.running(),
              open.pinnedTo(id),
              device.resident(),
              device.freeBytes(),
              device.totalBytes(),
              free.getOrDefault(id, 0.0),
              perUnit,
              perUnit.values().stream().mapToDouble(Double::doubleValue).average().orElse(0),
              queue.loadSeconds(id)));
    }
    return all;
  }

  // What is shown.

  Projection projection() {
    Projection known = projection;
    if (known == null) {
      known = queue.project(clock.millis());
      projection = known;
    }
    return known;
  }

  /** A prompt has run; its end is being stored. */
  void ending(int gpuId, PromptJob job) {
    endings.put(job.promptId(), new Ending(gpuId, job));
    shown = null;
  }

  /** A prompt's end is stored, and the history has it. */
  void ended(String promptId) {
    if (endings.remove(promptId) != null) {
      shown = null;
    }
  }

  private record Ending(int gpuId, PromptJob job) {}

  /** What all devices do, in the order of their numbers. */
  List<GpuSnapshot> snapshots() {
    List<GpuSnapshot> known = shown;
    if (known == null) {
      known = look();
      shown = known;
    }
    return known;
  }

  /** What is on the devices, in the order of their numbers. */
  List<DeviceNow> devices() {
    return queue.devices();
  }

  private List<GpuSnapshot> look() {
    Map<Integer, List<PromptJob>> pending = new HashMap<>();
    Map<Integer, List<Projection.Planned>> planned = new HashMap<>();
    Map<Integer, PromptJob> shownRunning = runningOnce();
    Set<String> seen = new HashSet<>();
    shownRunning.values().forEach(job -> seen.add(job.promptId()));
    seen.addAll(endings.keySet());
    List<Ending> ended = new ArrayList<>(endings.values());
    for (Ending one : leaving.values()) {
      PromptJob whole = whole(one.job());
      if (seen.add(whole.promptId())) {
        ended.add(new Ending(one.gpuId(), whole));
      }
    }
    for (Projection.Planned one : projection().planned()) {
      OpenPrompts.Open opened = find(one.promptId());
      boolean part = SplitRun.isPart(one.promptId());
      if (opened != null && (!part || seen.add(opened.job().promptId()))) {
        pending.computeIfAbsent(one.gpuId(), id -> new ArrayList<>()).add(opened.job());
        planned
            .computeIfAbsent(one.gpuId(), id -> new ArrayList<>())
            .add(part ? one.of(opened.job().promptId()) : one);
      }
    }
    List<GpuSnapshot> all = new ArrayList<>();
    for (NodeQueue.GpuState state : queue.states()) {
      int id = state.gpuId();
      all.add(
          new GpuSnapshot(
              null,
              id,
              devices.getOrDefault(id, ""),
              Optional.ofNullable(shownRunning.get(id)),
              ended.stream().filter(ending -> ending.gpuId() == id).map(Ending::job).toList(),
              pending.getOrDefault(id, List.of()),
              planned.getOrDefault(id, List.of()),
              figures.getOrDefault(id, GpuFigures.NONE),
              state.paused(),
              state.unhealthy()));
    }
    return List.copyOf(all);
  }

  /** A split prompt runs on several devices, and is shown on the first of them. */
  private Map<Integer, PromptJob> runningOnce() {
    Map<Integer, PromptJob> once = new TreeMap<>();
    Set<String> seen = new HashSet<>();
    for (Map.Entry<Integer, PromptJob> one : new TreeMap<>(running).entrySet()) {
      PromptJob job = whole(one.getValue());
      if (seen.add(job.promptId())) {
        once.put(one.getKey(), job);
      }
    }
    return once;
  }

  /** The prompt that a job is a part of, or is. */
  private PromptJob whole(PromptJob job) {
    OpenPrompts.Open opened = find(job.promptId());
    return opened == null || opened.split == null ? job : opened.job();
  }

  /** How long a prompt that came now would wait, in seconds. */
  double expectedWaitSeconds(@Nullable Integer gpuId) {
    Map<Integer, Double> free = projection().freeInSeconds();
    return gpuId != null
        ? free.getOrDefault(gpuId, 0.0)
        : free.values().stream().mapToDouble(Double::doubleValue).min().orElse(0);
  }

  double secondsToNextEnd(@Nullable Integer gpuId) {
    return queue.secondsToNextEnd(gpuId, clock.millis());
  }
}
