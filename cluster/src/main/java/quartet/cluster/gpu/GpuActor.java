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
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CompletionException;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;

/**
 * One device: runs one prompt at a time on the device's thread, and tells the front actor what
 * happens. Which prompt is next is not decided here. It never blocks.
 *
 * <p>Events of a running prompt go from the device's thread straight to the front actor; only the
 * end comes back here, so a chatty prompt cannot fill this mailbox. Interrupts and ends overtake
 * what is queued in the mailbox.
 *
 * <p>When the device fails, the prompt goes back to the front actor, and this actor is restarted
 * with growing pauses: a new worker on a new thread, warmed up before it takes prompts again. A
 * fault that only a new process heals is reported as {@link GpuReport.Lost}.
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
   * Run this prompt; nothing else may run.
   *
   * @param behind how many wait at this moment, for the figures
   */
  public record Run(PromptJob job, int behind) implements Command, ControlMessage {}

  /**
   * Stop the running prompt.
   *
   * @param promptId only if it is this one; null for whichever runs
   */
  public record Interrupt(@Nullable String promptId) implements Command, ControlMessage {}

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

  private record Ended(GpuRun run, DeviceWorker.Result result, GpuHoldings holdings)
      implements Command, ControlMessage {}

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
    GpuFigures figures = GpuFigures.NONE;
    long loggedTasks;
    int starts;
    String reason = "its actor failed";
  }

  private final GpuSettings settings;
  private final Clock clock;
  private final ActorRef<GpuReport> front;
  private final DeviceThread device;
  private final Life life;
  private @Nullable GpuRun run;
  private int outOfMemoryInARow;
  private boolean announced;
  private boolean lost;

  /**
   * A device's actor, supervised.
   *
   * @param front hears what happens
   */
  public static Behavior<Command> create(
      GpuSettings settings, Clock clock, ActorRef<GpuReport> front) {
    Life life = new Life();
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
    this.life = life;
    this.clock = clock;
    this.front = front;
    this.device = new DeviceThread(settings.gpuId(), settings.worker());
    timers.startTimerWithFixedDelay(new LogFigures(), FIGURES_EVERY);
    timers.startTimerWithFixedDelay(new Look(), LOOK_EVERY);
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
        .onMessage(Ended.class, this::onEnded)
        .onMessage(WorkerFailed.class, this::onWorkerFailed)
        .onMessage(LogFigures.class, this::onLogFigures)
        .onMessage(Look.class, this::onLook)
        .onSignal(PostStop.class, signal -> stopDevice())
        .onSignal(PreRestart.class, signal -> onPreRestart())
        .build();
  }

  private Behavior<Command> onRun(Run message) {
    if (lost) {
      front.tell(new GpuReport.Lost(settings.gpuId(), message.job(), life.reason));
      return this;
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
    tell(new PromptEvent.Started(next.job, settings.gpuId(), clock.millis()));
    getContext()
        .pipeToSelf(
            device.submit(worker -> work(worker, next)),
            (ended, failure) -> failure == null ? ended : new WorkerFailed(failure));
    return this;
  }

  /** On the device's thread. */
  private Ended work(Worker worker, GpuRun current) {
    current.signOfLife();
    JobEvents events =
        new JobEvents(
            current.job,
            clock,
            settings.previews(),
            event -> {
              current.signOfLife();
              tell(event);
            });
    DeviceWorker.Result result =
        settings
            .planner()
            .plan(current.job)
            .map(
                plan ->
                    worker.run(
                        new DeviceWorker.Job(
                            current.job.promptId(), plan, current.job.extraPngInfo(), current),
                        events))
            .orElseGet(
                () ->
                    new DeviceWorker.Result(
                        failed(
                            ErrorKind.INPUT,
                            "The prompt was valid when it was accepted and is not any more: "
                                + settings.planner().whyNot(current.job)),
                        0));
    return new Ended(current, result, GpuHoldings.of(worker));
  }

  private Behavior<Command> onEnded(Ended message) {
    if (message.run() != run) {
      return this; // given up in the meantime
    }
    ExecutionOutcome outcome = message.result().outcome();
    if (outcome instanceof ExecutionOutcome.Failed failed
        && !message.run().isCancelled()
        && (failed.kind() == ErrorKind.DEVICE || failed.kind() == ErrorKind.DEVICE_LOST)) {
      return deviceFailed(failed.kind(), failed.message(), null);
    }
    Duration took = Duration.between(message.run().started, clock.instant());
    life.figures =
        life.figures.plus(
            outcome instanceof ExecutionOutcome.Succeeded,
            message.run().behind,
            Duration.between(message.run().job.accepted(), message.run().started),
            took,
            message.result().outOfMemory());
    logEnd(message.run().job, outcome, took);
    run = null;
    front.tell(
        new GpuReport.Finished(
            settings.gpuId(),
            new PromptEvent.Ended(message.run().job, settings.gpuId(), outcome, clock.millis()),
            message.holdings(),
            life.figures));
    if (life.figures.tasks() - life.loggedTasks >= FIGURES_EVERY_TASKS) {
      onLogFigures(new LogFigures());
    }
    watchForStorm(outcome);
    return this;
  }

  private void watchForStorm(ExecutionOutcome outcome) {
    boolean outOfMemory =
        outcome instanceof ExecutionOutcome.Failed failed
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
    GpuRun current = run;
    if (current != null && current.stuck(settings.stuckAfter())) {
      String reason =
          "prompt %s has given no sign of life for %d s"
              .formatted(current.job.promptId(), current.silence().toSeconds());
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

  private static ExecutionOutcome failed(ErrorKind kind, String message) {
    return new ExecutionOutcome.Failed(
        Map.of(),
        "",
        "",
        kind,
        message,
        kind.name(),
        List.of(),
        List.of(),
        com.fasterxml.jackson.databind.node.JsonNodeFactory.instance.objectNode());
  }

  private Behavior<Command> onInterrupt(Interrupt message) {
    GpuRun current = run;
    if (current != null
        && (message.promptId() == null || message.promptId().equals(current.job.promptId()))) {
      current.cancel();
    }
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
