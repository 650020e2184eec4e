package quartet.cluster.node;

import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.gpu.GpuActor;
import quartet.cluster.gpu.GpuHoldings;
import quartet.cluster.gpu.GpuReport;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.cluster.job.PromptLife;
import quartet.cluster.queue.NodeQueue;
import quartet.cluster.queue.Projection;
import quartet.cluster.queue.Waiting;
import quartet.cluster.split.SplitRun;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

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
  private final DeviceWork work = new DeviceWork();
  private final QueueView view;
  private RouterProtocol.DrainMode drain = RouterProtocol.DrainMode.OFF;
  private @Nullable String whyLeaving;

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
    this.view = new QueueView(queue, open, work, clock);
  }

  /** How things look. */
  QueueView view() {
    return view;
  }

  void addGpu(int gpuId, String device) {
    queue.addGpu(gpuId);
    work.add(gpuId, device);
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
    view.changed();
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
      if (opened.entry.pinnedTo() == null) {
        LOG.info(
            "Routing prompt {} to GPU {} ({})",
            start.waiting().promptId(),
            start.gpuId(),
            start.reason());
      }
      opened.gpuId = start.gpuId();
      PromptJob job =
          opened.split == null ? opened.job() : opened.split.job(start.waiting().promptId());
      work.running.put(start.gpuId(), job);
      gpus.get(start.gpuId()).tell(new GpuActor.Run(job, start.behind()));
      view.changed();
    }
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
    work.left(report.gpuId(), report.job());
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
    work.leaving.remove(promptId);
    work.figures.put(report.gpuId(), report.figures());
    if (SplitRun.isPart(promptId)) {
      partEnded(promptId, outcome);
      go();
      return false;
    }
    boolean over = !triesLarger(report.gpuId(), promptId, outcome);
    if (over) {
      view.ending(report.gpuId(), report.end().job());
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
      work.running.forEach(
          (gpuId, job) -> {
            if (split.ids().contains(job.promptId())) {
              gpus.get(gpuId).tell(new GpuActor.Interrupt(job.promptId()));
            }
          });
    }
    if (split.isOver()) {
      view.ending(opened.gpuId == null ? PromptLife.NOWHERE : opened.gpuId, opened.job());
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
    PromptJob job = work.takeBack(gpuId, interrupted);
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
    return work.isIdle() ? whyLeaving : null;
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
        view.projection().planned().stream()
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
      PromptJob onDevice = work.running.get(id);
      List<PromptJob> jobs =
          work.leaving.values().stream()
              .filter(one -> one.gpuId() == id && (promptId != null || onDevice == null))
              .map(DeviceWork.Ending::job)
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
    return new RouterProtocol.DrainState(drain, work.size(), queue.size());
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
    view.changed();
    return given;
  }
}
