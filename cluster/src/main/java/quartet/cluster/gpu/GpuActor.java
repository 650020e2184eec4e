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
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceThread;
import quartet.engine.device.Finishers;
import quartet.engine.exec.ExecutionOutcome;

/**
 * One device: runs one prompt at a time on the device's thread, and tells the front actor what
 * happens. Which prompt is next is not decided here. It never blocks.
 *
 * <p>It carries messages. What is done on the device's thread is {@link DeviceTask}; what follows
 * for the device is said by {@link Diagnosis}, {@link MemoryStorm}, {@link Liveness} and {@link
 * GpuHealth}; whose end is told next by {@link Departures}; and what operators read is {@link
 * GpuLog}.
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
  private static final Duration FIGURES_EVERY = Duration.ofSeconds(60);
  private static final Duration LOOK_EVERY = Duration.ofMillis(500);
  private static final int FIGURES_EVERY_TASKS = 10;

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

  private record Stepped(DeviceTask.Step step) implements Command, ControlMessage {}

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
    final Departures leaving = new Departures();
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
  private final GpuLog log;
  private final DeviceTask task;
  private @Nullable GpuRun run;
  private MemoryStorm storm = MemoryStorm.CALM;
  private GpuHealth health;
  private boolean announced;

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
    this.log = new GpuLog(settings.gpuId());
    this.task = new DeviceTask(settings, clock, life.finishers, log, this::happened, this::stepped);
    this.health = GpuHealth.atStart(life.starts);
    timers.startTimerWithFixedDelay(new LogFigures(), FIGURES_EVERY);
    timers.startTimerWithFixedDelay(new Look(), LOOK_EVERY);
    if (life.starts++ > 0) {
      log.warmUpStartsAgain(life.reason);
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
        .onMessage(Stepped.class, this::onStepped)
        .onMessage(WorkerFailed.class, this::onWorkerFailed)
        .onMessage(LogFigures.class, this::onLogFigures)
        .onMessage(Look.class, this::onLook)
        .onSignal(PostStop.class, signal -> onPostStop())
        .onSignal(PreRestart.class, signal -> onPreRestart())
        .build();
  }

  private Behavior<Command> onRun(Run message) {
    return switch (health) {
      case LOST -> {
        front.tell(new GpuReport.Lost(settings.gpuId(), message.job(), life.reason));
        yield this;
      }
      // Sent before the front actor heard of the failure; it has taken the prompt back.
      case UNPROVEN -> this;
      case READY -> start(message);
    };
  }

  private Behavior<Command> start(Run message) {
    if (run != null) {
      throw new IllegalStateException(
          "GPU %d was given prompt %s while it runs %s"
              .formatted(settings.gpuId(), message.job().promptId(), run.job.promptId()));
    }
    if (!announced) {
      log.workerStarted(settings.device());
      announced = true;
    }
    GpuRun next = new GpuRun(message.job(), clock.instant(), message.behind());
    run = next;
    if (life.leaving.isEmpty()) {
      next.becomesFirst();
    }
    happened(new PromptEvent.Started(next.job, settings.gpuId(), clock.millis()));
    device
        .submit(worker -> task.run(worker, next))
        .exceptionally(
            failure -> {
              self.tell(new WorkerFailed(failure));
              return next;
            });
    return this;
  }

  /** On any thread. */
  private void happened(PromptEvent.OfPrompt event) {
    front.tell(new GpuReport.Happened(settings.gpuId(), event));
  }

  /** On any thread. */
  private void stepped(DeviceTask.Step step) {
    self.tell(new Stepped(step));
  }

  private Behavior<Command> onStepped(Stepped message) {
    return switch (message.step()) {
      case DeviceTask.OffDevice off -> offDevice(off);
      case DeviceTask.Ended ended -> {
        ended.run().ended(ended.result(), clock.instant());
        tellEnds();
        yield this;
      }
    };
  }

  private Behavior<Command> offDevice(DeviceTask.OffDevice step) {
    GpuRun off = step.run();
    if (off != run) {
      return this; // given up in the meantime
    }
    Diagnosis ofPrompt = Diagnosis.ofEnd(step.outcome(), off.isCancelled());
    if (!(ofPrompt instanceof Diagnosis.Well)) {
      return treat(ofPrompt); // which gives the prompt back
    }
    run = null;
    if (step.result() != null) {
      off.ended(step.result(), clock.instant());
    }
    life.leaving.add(off);
    front.tell(
        new GpuReport.LeftDevice(
            settings.gpuId(), off.job, step.success(), step.holdings(), step.onDevice()));
    tellEnds();
    storm = storm.after(step.outcome());
    return treat(storm.diagnosis());
  }

  /** A prompt that has ended waits for those that started before it. */
  private void tellEnds() {
    for (GpuRun.End end = life.leaving.nextEnd(); end != null; end = life.leaving.nextEnd()) {
      if (run != null && life.leaving.isEmpty()) {
        run.becomesFirst();
      }
      tellEnd(end);
    }
  }

  private void tellEnd(GpuRun.End end) {
    GpuRun ended = end.run();
    ExecutionOutcome outcome = end.result().outcome();
    life.figures =
        life.figures.plus(
            outcome instanceof ExecutionOutcome.Succeeded,
            ended.behind,
            Duration.between(ended.job.accepted(), ended.started),
            end.took(),
            end.result().outOfMemory());
    log.ended(ended.job, outcome, end.took());
    front.tell(
        new GpuReport.Finished(
            settings.gpuId(),
            new PromptEvent.Ended(ended.job, settings.gpuId(), outcome, end.at().toEpochMilli()),
            life.figures));
    if (life.figures.tasks() - life.loggedTasks >= FIGURES_EVERY_TASKS) {
      logFigures();
    }
  }

  private Behavior<Command> onWorkerFailed(WorkerFailed message) {
    return treat(Diagnosis.ofThrown(message.failure()));
  }

  /** Throws, so that the supervisor restarts this actor; or reports the device as lost. */
  private Behavior<Command> treat(Diagnosis diagnosis) {
    return switch (diagnosis) {
      case Diagnosis.Well() -> this;
      case Diagnosis.Failed(String reason, Throwable cause) -> {
        life.reason = reason;
        throw new DeviceFailedException(settings.gpuId(), reason, cause);
      }
      case Diagnosis.Lost(String reason) -> deviceLost(reason);
    };
  }

  private Behavior<Command> deviceLost(String reason) {
    log.lost(reason);
    life.reason = reason;
    health = GpuHealth.LOST;
    PromptJob interrupted = run == null ? null : run.job;
    run = null;
    front.tell(new GpuReport.Lost(settings.gpuId(), interrupted, reason));
    return this;
  }

  private Behavior<Command> onLook(Look message) {
    life.leaving.hanging(settings.stuckAfter()).forEach(this::giveUp);
    GpuRun current = run;
    if (current != null && current.stuck(settings.stuckAfter())) {
      life.reason = current.silentFor();
      if (!device.abandon()) {
        return deviceLost(life.reason);
      }
      log.processKilled(life.reason);
      current.signOfLife(); // it ends with WorkerFailed in a moment
    }
    return this;
  }

  /** Its thread cannot be ended, and the disk it waits for may be everybody's. */
  private void giveUp(GpuRun hangs) {
    life.leaving.giveUp(hangs);
    life.reason = hangs.silentFor();
    health = GpuHealth.LOST;
    log.hangs(life.reason);
    front.tell(new GpuReport.Lost(settings.gpuId(), hangs.job, life.reason));
    tellEnds();
  }

  private Behavior<Command> onPreRestart() {
    GpuRun current = run;
    log.restarts(life.reason);
    front.tell(
        new GpuReport.Down(settings.gpuId(), current == null ? null : current.job, life.reason));
    return stopDevice();
  }

  private Behavior<Command> onInterrupt(Interrupt message) {
    if (run != null && run.is(message.promptId())) {
      run.cancel();
    }
    life.leaving.cancel(message.promptId());
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
      log.couldNotFree(message.failure());
    }
    return this;
  }

  private Behavior<Command> onWarmUp(WarmUp message) {
    log.warmUpStarts();
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
      log.warmUpCompleted();
      health = health.warmedUp();
      front.tell(new GpuReport.Up(settings.gpuId(), holdings));
    } else {
      log.warmUpFailed(failure);
    }
    if (asked != null) {
      asked.tell(new WarmedUp(settings.gpuId(), failure == null ? null : String.valueOf(failure)));
    }
    return failure == null ? this : treat(Diagnosis.ofThrown(failure));
  }

  private Behavior<Command> onLogFigures(LogFigures message) {
    logFigures();
    return this;
  }

  private void logFigures() {
    if (life.figures.tasks() != life.loggedTasks) {
      log.figures(life.figures);
      life.loggedTasks = life.figures.tasks();
    }
  }

  private Behavior<Command> onPostStop() {
    life.leaving.cancelAll();
    stopDevice();
    if (health != GpuHealth.LOST) {
      life.finishers.close();
    }
    return this;
  }

  private Behavior<Command> stopDevice() {
    GpuRun current = run;
    if (current != null) {
      current.cancel();
    }
    if (health == GpuHealth.LOST) {
      device.leave();
    } else {
      device.close();
    }
    return this;
  }
}
