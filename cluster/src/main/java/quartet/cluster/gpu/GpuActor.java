package quartet.cluster.gpu;

import akka.actor.typed.ActorRef;
import akka.actor.typed.Behavior;
import akka.actor.typed.PostStop;
import akka.actor.typed.PreRestart;
import akka.actor.typed.javadsl.AbstractBehavior;
import akka.actor.typed.javadsl.ActorContext;
import akka.actor.typed.javadsl.Behaviors;
import akka.actor.typed.javadsl.Receive;
import akka.actor.typed.javadsl.TimerScheduler;
import akka.dispatch.ControlMessage;
import java.time.Clock;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.Deque;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Finishers;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.Remainder;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

/**
 * One device: runs one prompt at a time on the device's thread, and tells the front actor what
 * happens. Which prompt is next is not decided here. It never blocks.
 *
 * <p>What is left of a prompt when the device has done its part, its pictures' files above all, is
 * done on other threads, while the device has the next prompt. Ends are told in the order of the
 * starts. If too many prompts are being ended, the device's thread does it itself.
 *
 * <p>Events of a running prompt go from those threads straight to the front actor; only the end
 * comes back here, so a chatty prompt cannot fill this mailbox. Interrupts and ends overtake what
 * is queued in the mailbox.
 *
 * <p>When the device fails, the prompt on it goes back to the front actor, and this actor is
 * restarted with growing pauses: a new worker on a new thread, warmed up before it takes prompts
 * again. Prompts that have left the device are of no interest to that: their ends outlive restarts.
 * A fault that only a new process heals is reported as {@link GpuReport.Lost}.
 */
public final class GpuActor extends AbstractBehavior<GpuActor.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(GpuActor.class);
  private static final Duration FIGURES_EVERY = Duration.ofSeconds(60);
  private static final Duration LOOK_EVERY = Duration.ofMillis(500);
  private static final int FIGURES_EVERY_TASKS = 10;

  /** Prompts in a row that end without memory: the device, not the prompts, is suspected. */
  private static final int STORM = 3;

  /** What it understands. */
  public sealed interface Command {}

  /**
   * Run this prompt; no other may be on the device.
   *
   * @param behind how many wait at this moment, for the figures
   */
  public record Run(PromptJob job, int behind) implements Command, ControlMessage {}

  /**
   * Stop a prompt.
   *
   * @param promptId on the device or on its way out
   */
  public record Interrupt(String promptId) implements Command, ControlMessage {}

  /** Give memory back when idle: cached outputs, and resident models if asked. */
  public record Free(boolean models) implements Command {}

  /** Compute something small, so that the first prompt does not pay for it. */
  public record WarmUp(ActorRef<WarmedUp> replyTo) implements Command {}

  /**
   * Warm-up is over.
   *
   * @param failure why the device is of no use, or null
   */
  public record WarmedUp(int gpuId, @Nullable String failure) {}

  /** Result: null if something is left that needs no device; then Ended follows. */
  private record OffDevice(
      GpuRun run, GpuHoldings holdings, Duration onDevice, DeviceWorker.@Nullable Result result)
      implements Command, ControlMessage {}

  private record Ended(GpuRun run, DeviceWorker.Result result) implements Command, ControlMessage {}

  private record WorkerFailed(Throwable failure) implements Command, ControlMessage {}

  private record WarmUpDone(
      @Nullable ActorRef<WarmedUp> replyTo,
      @Nullable GpuHoldings holdings,
      @Nullable Throwable failure)
      implements Command {}

  private record Freed(@Nullable GpuHoldings holdings, @Nullable Throwable failure)
      implements Command {}

  private record LogFigures() implements Command {}

  private record Look() implements Command, ControlMessage {}

  /** What outlives restarts. */
  private static final class Life {
    final Finishers finishers;

    /** Off the device and not told to have ended, in the order of their starts. */
    final Deque<GpuRun> leaving = new ArrayDeque<>();

    GpuFigures figures = GpuFigures.NONE;
    long loggedTasks;
    int starts;
    String reason = "its actor failed";

    Life(int gpuId) {
      finishers = new Finishers(gpuId);
    }
  }

  private final GpuSettings settings;
  private final ActorRef<Command> self;
  private final Clock clock;
  private final ActorRef<GpuReport> front;
  private final DeviceThread device;
  private final Life life;
  private @Nullable GpuRun run;
  private int outOfMemoryInARow;
  private boolean announced;
  private boolean usable;
  private boolean lost;

  /**
   * A device's actor, supervised.
   *
   * @param front hears what happens
   */
  public static Behavior<Command> create(
      GpuSettings settings, Clock clock, ActorRef<GpuReport> front) {
    Life life = new Life(settings.gpuId());
    return settings
        .supervision()
        .restarting(
            Behaviors.setup(
                context ->
                    Behaviors.withTimers(
                        timers -> new GpuActor(context, timers, settings, life, clock, front))));
  }

  private GpuActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      GpuSettings settings,
      Life life,
      Clock clock,
      ActorRef<GpuReport> front) {
    super(context);
    this.settings = settings;
    this.self = context.getSelf();
    this.life = life;
    this.clock = clock;
    this.front = front;
    this.device = new DeviceThread(settings.gpuId(), settings.worker());
    timers.startTimerWithFixedDelay(new LogFigures(), FIGURES_EVERY);
    timers.startTimerWithFixedDelay(new Look(), LOOK_EVERY);
    usable = life.starts == 0;
    if (life.starts++ > 0) {
      LOG.info("🔥 [GPU {}] Warming up again after: {}", settings.gpuId(), life.reason);
      warmUp(null);
    }
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Run.class, this::onRun)
        .onMessage(Interrupt.class, this::onInterrupt)
        .onMessage(Free.class, this::onFree)
        .onMessage(Freed.class, this::onFreed)
        .onMessage(WarmUp.class, this::onWarmUp)
        .onMessage(WarmUpDone.class, this::onWarmUpDone)
        .onMessage(OffDevice.class, this::onOffDevice)
        .onMessage(Ended.class, this::onEnded)
        .onMessage(WorkerFailed.class, this::onWorkerFailed)
        .onMessage(LogFigures.class, this::onLogFigures)
        .onMessage(Look.class, this::onLook)
        .onSignal(PostStop.class, signal -> onPostStop())
        .onSignal(PreRestart.class, signal -> onPreRestart())
        .build();
  }

  private Behavior<Command> onRun(Run message) {
    if (lost) {
      front.tell(new GpuReport.Lost(settings.gpuId(), message.job(), life.reason));
      return this;
    }
    if (!usable) {
      return this; // sent before the front actor heard of the failure; it has taken the prompt back
    }
    if (run != null) {
      throw new IllegalStateException(
          "GPU %d was given prompt %s while it runs %s"
              .formatted(settings.gpuId(), message.job().promptId(), run.job.promptId()));
    }
    if (!announced) {
      LOG.info("🔧 [GPU {}] Worker started on {}", settings.gpuId(), settings.device());
      announced = true;
    }
    GpuRun next = new GpuRun(message.job(), clock.instant(), message.behind());
    run = next;
    if (life.leaving.isEmpty()) {
      next.becomesFirst();
    }
    tell(new PromptEvent.Started(next.job, settings.gpuId(), clock.millis()));
    device
        .submit(worker -> work(worker, next))
        .exceptionally(
            failure -> {
              self.tell(new WorkerFailed(failure));
              return next;
            });
    return this;
  }

  /** On the device's thread. */
  private GpuRun work(Worker worker, GpuRun current) {
    long began = System.nanoTime();
    current.signOfLife();
    JobEvents events =
        new JobEvents(
            current.job,
            clock,
            previews(current),
            event -> {
              current.signOfLife();
              tell(event);
            });
    Remainder<DeviceWorker.Result> left =
        settings
            .planner()
            .plan(current.job)
            .map(
                plan ->
                    worker.begin(
                        new DeviceWorker.Job(
                            current.job.promptId(), plan, current.job.extraPngInfo(), current),
                        events))
            .orElseGet(
                () ->
                    new Remainder.Nothing<>(
                        notRun(
                            ErrorKind.INPUT,
                            "The prompt was valid when it was accepted and is not any more: "
                                + settings.planner().whyNot(current.job))));
    GpuHoldings holdings = GpuHoldings.of(worker);
    Duration onDevice = Duration.ofNanos(System.nanoTime() - began);
    boolean taken =
        left instanceof Remainder.HostNodes
            && life.finishers.offer(
                () -> self.tell(new OffDevice(current, holdings, onDevice, null)),
                () -> self.tell(new Ended(current, finish(current, left))));
    if (!taken) {
      self.tell(new OffDevice(current, holdings, onDevice, left.finish()));
    }
    return current;
  }

  /** On a thread of its own: a prompt whose end cannot be told would never end. */
  private static DeviceWorker.Result finish(GpuRun current, Remainder<DeviceWorker.Result> left) {
    try {
      return left.finish();
    } catch (RuntimeException e) {
      LOG.error("the end of prompt {} failed", current.job.promptId(), e);
      return notRun(ErrorKind.INTERNAL, e.toString());
    }
  }

  /** A client may take any picture for one of the prompt that it has not heard the end of. */
  private PreviewSink previews(GpuRun current) {
    PreviewSink usual = settings.previews();
    return new PreviewSink() {
      @Override
      public PreviewMethod wanted(PromptJob job) {
        return current.isFirst() ? usual.wanted(job) : PreviewMethod.NONE;
      }

      @Override
      public void offer(PromptJob job, String nodeId, ImageBatch picture) {
        usual.offer(job, nodeId, picture);
      }
    };
  }

  private Behavior<Command> onOffDevice(OffDevice message) {
    GpuRun off = message.run();
    if (off != run) {
      return this; // given up in the meantime
    }
    DeviceWorker.Result result = message.result();
    if (result != null
        && result.outcome() instanceof ExecutionOutcome.Failed failed
        && !off.isCancelled()
        && (failed.kind() == ErrorKind.DEVICE || failed.kind() == ErrorKind.DEVICE_LOST)) {
      return deviceFailed(failed.kind(), failed.message(), null);
    }
    run = null;
    off.end = result == null ? null : new GpuRun.End(result, clock.instant());
    life.leaving.add(off);
    boolean success = result == null || result.outcome() instanceof ExecutionOutcome.Succeeded;
    front.tell(
        new GpuReport.LeftDevice(
            settings.gpuId(), off.job, success, message.holdings(), message.onDevice()));
    tellEnds();
    watchForStorm(result);
    return this;
  }

  private Behavior<Command> onEnded(Ended message) {
    message.run().end = new GpuRun.End(message.result(), clock.instant());
    tellEnds();
    return this;
  }

  /** A prompt that has ended waits for those that started before it. */
  private void tellEnds() {
    for (GpuRun first = life.leaving.peek();
        first != null && first.end != null;
        first = life.leaving.peek()) {
      life.leaving.remove();
      if (run != null && life.leaving.isEmpty()) {
        run.becomesFirst();
      }
      tellEnd(first, first.end);
    }
  }

  private void tellEnd(GpuRun ended, GpuRun.End end) {
    ExecutionOutcome outcome = end.result().outcome();
    Duration took = Duration.between(ended.started, end.at());
    life.figures =
        life.figures.plus(
            outcome instanceof ExecutionOutcome.Succeeded,
            ended.behind,
            Duration.between(ended.job.accepted(), ended.started),
            took,
            end.result().outOfMemory());
    logEnd(ended.job, outcome, took);
    front.tell(
        new GpuReport.Finished(
            settings.gpuId(),
            new PromptEvent.Ended(ended.job, settings.gpuId(), outcome, end.at().toEpochMilli()),
            life.figures));
    if (life.figures.tasks() - life.loggedTasks >= FIGURES_EVERY_TASKS) {
      onLogFigures(new LogFigures());
    }
  }

  private void watchForStorm(DeviceWorker.@Nullable Result result) {
    boolean outOfMemory =
        result != null
            && result.outcome() instanceof ExecutionOutcome.Failed failed
            && failed.kind() == ErrorKind.OUT_OF_MEMORY;
    outOfMemoryInARow = outOfMemory ? outOfMemoryInARow + 1 : 0;
    if (outOfMemoryInARow >= STORM) {
      deviceFailed(ErrorKind.DEVICE, STORM + " prompts in a row ran out of memory", null);
    }
  }

  private Behavior<Command> onWorkerFailed(WorkerFailed message) {
    Throwable cause =
        message.failure() instanceof CompletionException && message.failure().getCause() != null
            ? message.failure().getCause()
            : message.failure();
    return deviceFailed(
        cause instanceof EngineException engine ? engine.kind() : ErrorKind.DEVICE,
        cause.getMessage() == null ? cause.toString() : cause.getMessage(),
        cause);
  }

  /** Throws, so that the supervisor restarts this actor; or reports the device as lost. */
  private Behavior<Command> deviceFailed(ErrorKind kind, String reason, @Nullable Throwable cause) {
    life.reason = reason;
    if (kind == ErrorKind.DEVICE_LOST) {
      return deviceLost(reason);
    }
    throw new DeviceFailedException(settings.gpuId(), reason, cause);
  }

  private Behavior<Command> deviceLost(String reason) {
    LOG.error(
        "❌ [GPU {}] is lost to this process: {}; the process has to be replaced",
        settings.gpuId(),
        reason);
    life.reason = reason;
    lost = true;
    PromptJob interrupted = run == null ? null : run.job;
    run = null;
    front.tell(new GpuReport.Lost(settings.gpuId(), interrupted, reason));
    return this;
  }

  private Behavior<Command> onLook(Look message) {
    for (GpuRun leaving : List.copyOf(life.leaving)) {
      if (leaving.end == null && leaving.stuck(settings.stuckAfter())) {
        giveUp(leaving);
      }
    }
    GpuRun current = run;
    if (current != null && current.stuck(settings.stuckAfter())) {
      String reason = silent(current);
      life.reason = reason;
      if (device.abandon()) {
        LOG.error("❌ [GPU {}] {}; its process is killed", settings.gpuId(), reason);
        current.signOfLife(); // it ends with WorkerFailed in a moment
      } else {
        return deviceLost(reason);
      }
    }
    return this;
  }

  /** Its thread cannot be ended, and the disk it waits for may be everybody's. */
  private void giveUp(GpuRun hangs) {
    life.leaving.remove(hangs);
    life.reason = silent(hangs);
    lost = true;
    LOG.error("❌ [GPU {}] {}; the process has to be replaced", settings.gpuId(), life.reason);
    front.tell(new GpuReport.Lost(settings.gpuId(), hangs.job, life.reason));
    tellEnds();
  }

  private static String silent(GpuRun run) {
    return "prompt %s has given no sign of life for %d s"
        .formatted(run.job.promptId(), run.silence().toSeconds());
  }

  private Behavior<Command> onPreRestart() {
    GpuRun current = run;
    LOG.error("❌ [GPU {}] failed and is restarted: {}", settings.gpuId(), life.reason);
    front.tell(
        new GpuReport.Down(settings.gpuId(), current == null ? null : current.job, life.reason));
    return stopDevice();
  }

  private void logEnd(PromptJob job, ExecutionOutcome outcome, Duration took) {
    String seconds = String.format(Locale.ROOT, "%.2f", took.toMillis() / 1000.0);
    switch (outcome) {
      case ExecutionOutcome.Succeeded ignored ->
          LOG.info(
              "✅ [GPU {}] Prompt {} executed in {}s", settings.gpuId(), job.promptId(), seconds);
      case ExecutionOutcome.Interrupted stopped ->
          LOG.info(
              "🛑 [GPU {}] Prompt {} interrupted at node {} ({}) after {}s",
              settings.gpuId(),
              job.promptId(),
              stopped.nodeId(),
              stopped.nodeType(),
              seconds);
      case ExecutionOutcome.Failed failure ->
          LOG.error(
              "❌ [GPU {}] Prompt {} failed at node {} ({}) after {}s: {}",
              settings.gpuId(),
              job.promptId(),
              failure.nodeId(),
              failure.nodeType(),
              seconds,
              failure.message());
    }
  }

  private static DeviceWorker.Result notRun(ErrorKind kind, String message) {
    return new DeviceWorker.Result(ExecutionOutcome.Failed.outsideNodes(kind, message), 0);
  }

  private Behavior<Command> onInterrupt(Interrupt message) {
    if (run != null && run.job.promptId().equals(message.promptId())) {
      run.cancel();
    }
    life.leaving.stream()
        .filter(leaving -> leaving.job.promptId().equals(message.promptId()))
        .forEach(GpuRun::cancel);
    return this;
  }

  private Behavior<Command> onFree(Free message) {
    getContext()
        .pipeToSelf(
            device.submit(
                worker -> {
                  if (message.models()) {
                    worker.clearCaches();
                  } else {
                    worker.clearOutputs();
                  }
                  return GpuHoldings.of(worker);
                }),
            Freed::new);
    return this;
  }

  private Behavior<Command> onFreed(Freed message) {
    if (message.holdings() != null) {
      front.tell(new GpuReport.Holds(settings.gpuId(), message.holdings()));
    } else {
      LOG.warn(
          "[GPU {}] could not free memory: {}",
          settings.gpuId(),
          String.valueOf(message.failure()));
    }
    return this;
  }

  private Behavior<Command> onWarmUp(WarmUp message) {
    LOG.info("🔥 [GPU {}] Starting warmup...", settings.gpuId());
    warmUp(message.replyTo());
    return this;
  }

  private void warmUp(@Nullable ActorRef<WarmedUp> replyTo) {
    getContext()
        .pipeToSelf(
            device.submit(
                worker -> {
                  worker.warmUp();
                  return GpuHoldings.of(worker);
                }),
            (holdings, failure) -> new WarmUpDone(replyTo, holdings, failure));
  }

  private Behavior<Command> onWarmUpDone(WarmUpDone message) {
    Throwable failure = message.failure();
    GpuHoldings holdings = message.holdings();
    ActorRef<WarmedUp> asked = message.replyTo();
    if (failure == null && holdings != null) {
      LOG.info("✅ [GPU {}] Warmup completed", settings.gpuId());
      usable = true;
      front.tell(new GpuReport.Up(settings.gpuId(), holdings));
    } else {
      LOG.error("❌ [GPU {}] Warmup failed: {}", settings.gpuId(), String.valueOf(failure));
    }
    if (asked != null) {
      asked.tell(new WarmedUp(settings.gpuId(), failure == null ? null : String.valueOf(failure)));
    }
    return failure == null ? this : onWorkerFailed(new WorkerFailed(failure));
  }

  private Behavior<Command> onLogFigures(LogFigures message) {
    if (life.figures.tasks() != life.loggedTasks) {
      LOG.info("📊 [GPU {}] {}", settings.gpuId(), life.figures);
      life.loggedTasks = life.figures.tasks();
    }
    return this;
  }

  private Behavior<Command> onPostStop() {
    life.leaving.forEach(GpuRun::cancel);
    stopDevice();
    if (!lost) {
      life.finishers.close();
    }
    return this;
  }

  private Behavior<Command> stopDevice() {
    GpuRun current = run;
    if (current != null) {
      current.cancel();
    }
    if (lost) {
      device.leave();
    } else {
      device.close();
    }
    return this;
  }

  private void tell(PromptEvent.OfPrompt event) {
    front.tell(new GpuReport.Happened(settings.gpuId(), event));
  }
}
