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
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionOutcome;
import quartet.errors.ErrorKind;

/**
 * One device: takes prompts into its bounded queue, runs one at a time on the device's thread, and
 * tells the front actor what happens. It never blocks.
 *
 * <p>Events of a running prompt go from the device's thread straight to the front actor; only the
 * end comes back here, so a chatty prompt cannot fill this mailbox. Interrupts and ends overtake
 * what is queued in the mailbox.
 */
public final class GpuActor extends AbstractBehavior<GpuActor.Command> {
  private static final Logger LOG = LoggerFactory.getLogger(GpuActor.class);
  private static final Duration FIGURES_EVERY = Duration.ofSeconds(60);
  private static final int FIGURES_EVERY_TASKS = 10;

  /** What it understands. */
  public sealed interface Command {}

  /** Take this prompt in, or say that the queue is full. */
  public record Submit(PromptJob job, ActorRef<SubmitReply> replyTo) implements Command {}

  /** Take this prompt in, however full the queue is: it was accepted before a restart. */
  public record Restore(PromptJob job) implements Command {}

  /** Forget these waiting prompts. */
  public record Remove(Set<String> promptIds) implements Command, ControlMessage {}

  /** Forget all waiting prompts. */
  public record Clear() implements Command, ControlMessage {}

  /**
   * Stop the running prompt.
   *
   * @param promptId only if it is this one; null for whichever runs
   */
  public record Interrupt(@Nullable String promptId) implements Command, ControlMessage {}

  /** Say what you are doing. */
  public record Snapshot(ActorRef<GpuSnapshot> replyTo) implements Command {}

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

  private record Ended(Run run, DeviceWorker.Result result, Set<Path> resident)
      implements Command, ControlMessage {}

  private record WorkerFailed(Throwable failure) implements Command, ControlMessage {}

  private record WarmUpDone(ActorRef<WarmedUp> replyTo, @Nullable Throwable failure)
      implements Command {}

  private record LogFigures() implements Command {}

  /** Answer to {@link Submit}. */
  public sealed interface SubmitReply {}

  /** It waits now. */
  public record Accepted() implements SubmitReply {}

  /** The queue is full. */
  public record Full(int waiting, Duration expectedWait) implements SubmitReply {}

  /** What the front actor hears. */
  public sealed interface Report {}

  /** Something happened to a prompt. */
  public record Happened(int gpuId, PromptEvent.OfPrompt event) implements Report {}

  /** These waiting prompts were taken out of the queue. */
  public record Removed(int gpuId, List<PromptJob> jobs) implements Report {
    /** Copies the list. */
    public Removed {
      jobs = List.copyOf(jobs);
    }
  }

  /** The device's load has changed. */
  public record Loaded(int gpuId, int waiting, Set<Path> resident, Duration meanExecution)
      implements Report {}

  /** One prompt on the device. */
  private static final class Run {
    final PromptJob job;
    final Instant started;
    final int waitingThen;
    volatile boolean cancelled;

    Run(PromptJob job, Instant started, int waitingThen) {
      this.job = job;
      this.started = started;
      this.waitingThen = waitingThen;
    }
  }

  private final GpuSettings settings;
  private final GpuQueue queue;
  private final Clock clock;
  private final ActorRef<Report> front;
  private final DeviceThread device;
  private @Nullable Run run;
  private GpuFigures figures = GpuFigures.NONE;
  private long loggedTasks;
  private Set<Path> resident = Set.of();
  private boolean announced;

  /**
   * A device's actor, to be supervised with restart. The queue lives outside the behaviour, so a
   * restart keeps it.
   *
   * @param front hears what happens
   */
  public static Behavior<Command> create(
      GpuSettings settings, Clock clock, ActorRef<Report> front) {
    GpuQueue queue = new GpuQueue(settings.queueCapacity());
    return GpuSupervision.restarting(
        Behaviors.setup(
            context ->
                Behaviors.withTimers(
                    timers -> new GpuActor(context, timers, settings, queue, clock, front))));
  }

  private GpuActor(
      ActorContext<Command> context,
      TimerScheduler<Command> timers,
      GpuSettings settings,
      GpuQueue queue,
      Clock clock,
      ActorRef<Report> front) {
    super(context);
    this.settings = settings;
    this.queue = queue;
    this.clock = clock;
    this.front = front;
    this.device = new DeviceThread(settings.gpuId(), settings.worker());
    timers.startTimerWithFixedDelay(new LogFigures(), FIGURES_EVERY);
    queue
        .running()
        .ifPresent(
            interrupted ->
                queue.retry().ifPresentOrElse(this::runOnDevice, () -> giveUp(interrupted)));
  }

  @Override
  public Receive<Command> createReceive() {
    return newReceiveBuilder()
        .onMessage(Submit.class, this::onSubmit)
        .onMessage(Restore.class, this::onRestore)
        .onMessage(Remove.class, message -> afterRemoval(queue.remove(message.promptIds())))
        .onMessage(Clear.class, message -> afterRemoval(queue.clear()))
        .onMessage(Interrupt.class, this::onInterrupt)
        .onMessage(Snapshot.class, this::onSnapshot)
        .onMessage(Free.class, this::onFree)
        .onMessage(WarmUp.class, this::onWarmUp)
        .onMessage(WarmUpDone.class, this::onWarmUpDone)
        .onMessage(Ended.class, this::onEnded)
        .onMessage(WorkerFailed.class, this::onWorkerFailed)
        .onMessage(LogFigures.class, this::onLogFigures)
        .onSignal(PostStop.class, signal -> stopDevice())
        .onSignal(PreRestart.class, signal -> stopDevice())
        .build();
  }

  private Behavior<Command> onSubmit(Submit message) {
    if (queue.offer(message.job())) {
      message.replyTo().tell(new Accepted());
      reportLoad();
      startNext();
    } else {
      message
          .replyTo()
          .tell(new Full(queue.waiting(), figures.meanExecution().multipliedBy(queue.waiting())));
    }
    return this;
  }

  private Behavior<Command> onRestore(Restore message) {
    queue.restore(message.job());
    reportLoad();
    startNext();
    return this;
  }

  private void startNext() {
    queue.start().ifPresent(this::runOnDevice);
  }

  private void runOnDevice(PromptJob job) {
    if (!announced) {
      LOG.info("🔧 [GPU {}] Worker started on {}", settings.gpuId(), settings.device());
      announced = true;
    }
    Run next = new Run(job, clock.instant(), queue.pending().size());
    run = next;
    tell(new PromptEvent.Started(job, settings.gpuId(), clock.millis()));
    getContext()
        .pipeToSelf(
            device.submit(worker -> work(worker, next)),
            (ended, failure) -> failure == null ? ended : new WorkerFailed(failure));
  }

  /** On the device's thread. */
  private Ended work(Worker worker, Run current) {
    JobEvents events = new JobEvents(current.job, clock, settings.previews(), this::tell);
    DeviceWorker.Result result =
        settings
            .planner()
            .plan(current.job)
            .map(
                plan ->
                    worker.run(
                        new DeviceWorker.Job(
                            current.job.promptId(),
                            plan,
                            current.job.extraPngInfo(),
                            () -> current.cancelled),
                        events))
            .orElseGet(
                () ->
                    new DeviceWorker.Result(
                        failed(
                            ErrorKind.INPUT,
                            "The prompt was valid when it was accepted and is not any more:"
                                + " a file it names is gone."),
                        0));
    return new Ended(current, result, Set.copyOf(worker.resident()));
  }

  private Behavior<Command> onEnded(Ended message) {
    if (message.run() != run) {
      return this; // from before a restart
    }
    Duration took = Duration.between(message.run().started, clock.instant());
    boolean success = message.result().outcome() instanceof ExecutionOutcome.Succeeded;
    figures =
        figures.plus(
            success,
            message.run().waitingThen,
            Duration.between(message.run().job.accepted(), message.run().started),
            took,
            message.result().outOfMemory());
    logEnd(message.run().job, message.result().outcome(), took);
    resident = message.resident();
    end(message.run().job, message.result().outcome());
    if (figures.tasks() - loggedTasks >= FIGURES_EVERY_TASKS) {
      onLogFigures(new LogFigures());
    }
    return this;
  }

  private void end(PromptJob job, ExecutionOutcome outcome) {
    run = null;
    queue.finish();
    tell(new PromptEvent.Ended(job, settings.gpuId(), outcome, clock.millis()));
    startNext();
    reportLoad();
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

  /** A prompt that took the device down again is failed, so that the queue can go on. */
  private void giveUp(PromptJob job) {
    LOG.error(
        "❌ [GPU {}] Prompt {} took the device down twice; giving it up",
        settings.gpuId(),
        job.promptId());
    end(job, failed(ErrorKind.DEVICE, "The device failed twice while it ran this prompt."));
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

  private Behavior<Command> onWorkerFailed(WorkerFailed message) {
    throw new DeviceFailedException(settings.gpuId(), message.failure());
  }

  private Behavior<Command> afterRemoval(List<PromptJob> removed) {
    removed.forEach(
        job ->
            LOG.info(
                "[GPU {}] Prompt {} taken out of the queue", settings.gpuId(), job.promptId()));
    if (!removed.isEmpty()) {
      front.tell(new Removed(settings.gpuId(), removed));
    }
    reportLoad();
    return this;
  }

  private Behavior<Command> onInterrupt(Interrupt message) {
    Run current = run;
    if (current != null
        && (message.promptId() == null || message.promptId().equals(current.job.promptId()))) {
      current.cancelled = true;
    }
    return this;
  }

  private Behavior<Command> onSnapshot(Snapshot message) {
    message
        .replyTo()
        .tell(
            new GpuSnapshot(
                settings.gpuId(),
                settings.device().toString(),
                queue.running(),
                queue.pending(),
                figures));
    return this;
  }

  private Behavior<Command> onFree(Free message) {
    device
        .submit(
            worker -> {
              if (message.models()) {
                worker.clearCaches();
              } else {
                worker.clearOutputs();
              }
              return true;
            })
        .exceptionally(
            failure -> {
              LOG.warn("[GPU {}] could not free memory: {}", settings.gpuId(), failure.toString());
              return false;
            });
    if (message.models()) {
      resident = Set.of();
      reportLoad();
    }
    return this;
  }

  private Behavior<Command> onWarmUp(WarmUp message) {
    LOG.info("🔥 [GPU {}] Starting warmup...", settings.gpuId());
    getContext()
        .pipeToSelf(
            device.submit(
                worker -> {
                  worker.warmUp();
                  return worker.description();
                }),
            (description, failure) -> new WarmUpDone(message.replyTo(), failure));
    return this;
  }

  private Behavior<Command> onWarmUpDone(WarmUpDone message) {
    Throwable failure = message.failure();
    if (failure == null) {
      LOG.info("✅ [GPU {}] Warmup completed", settings.gpuId());
    } else {
      LOG.error("❌ [GPU {}] Warmup failed: {}", settings.gpuId(), failure.toString());
    }
    message
        .replyTo()
        .tell(new WarmedUp(settings.gpuId(), failure == null ? null : failure.toString()));
    return this;
  }

  private Behavior<Command> onLogFigures(LogFigures message) {
    if (figures.tasks() != loggedTasks) {
      LOG.info("📊 [GPU {}] {}", settings.gpuId(), figures);
      loggedTasks = figures.tasks();
    }
    return this;
  }

  private Behavior<Command> stopDevice() {
    Optional.ofNullable(run).ifPresent(current -> current.cancelled = true);
    device.close();
    return this;
  }

  private void tell(PromptEvent.OfPrompt event) {
    front.tell(new Happened(settings.gpuId(), event));
  }

  private void reportLoad() {
    front.tell(new Loaded(settings.gpuId(), queue.waiting(), resident, figures.meanExecution()));
  }
}
