package quartet.cluster.gpu;

import java.time.Clock;
import java.time.Duration;
import java.util.function.Consumer;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptEvent;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceWorker;
import quartet.engine.device.Finishers;
import quartet.engine.device.Worker;
import quartet.engine.exec.ExecutionOutcome;
import quartet.engine.exec.Remainder;
import quartet.engine.node.PreviewMethod;
import quartet.engine.value.ImageBatch;
import quartet.errors.ErrorKind;

/**
 * What is done with a prompt on the device's thread: it is planned and run, and what is left then
 * goes to a thread of the finishers, or is done here if they are all busy.
 *
 * @param events hears what happens to the prompt, never its end; on those threads
 * @param steps hears how far it is; on those threads
 */
record DeviceTask(
    GpuSettings settings,
    Clock clock,
    Finishers finishers,
    GpuLog log,
    Consumer<PromptEvent.OfPrompt> events,
    Consumer<Step> steps) {
  /** How far a prompt is. */
  sealed interface Step {}

  /**
   * The device has done its part, and could take the next prompt.
   *
   * @param onDevice how long it took
   * @param result null if something is left that needs no device; then {@link Ended} follows
   */
  record OffDevice(
      GpuRun run, GpuHoldings holdings, Duration onDevice, DeviceWorker.@Nullable Result result)
      implements Step {
    /** How it ended, or null if it has not. */
    @Nullable ExecutionOutcome outcome() {
      return result == null ? null : result.outcome();
    }

    /** Whether nothing has failed so far. */
    boolean success() {
      return result == null || result.outcome() instanceof ExecutionOutcome.Succeeded;
    }
  }

  /** What was left has been done. */
  record Ended(GpuRun run, DeviceWorker.Result result) implements Step {}

  /**
   * On the device's thread.
   *
   * @throws RuntimeException if the device has failed
   */
  GpuRun run(Worker worker, GpuRun current) {
    long began = System.nanoTime();
    current.signOfLife();
    Remainder<DeviceWorker.Result> left = begin(worker, current);
    GpuHoldings holdings = GpuHoldings.of(worker);
    Duration onDevice = Duration.ofNanos(System.nanoTime() - began);
    boolean taken =
        left instanceof Remainder.HostNodes
            && finishers.offer(
                () -> steps.accept(new OffDevice(current, holdings, onDevice, null)),
                () -> steps.accept(new Ended(current, finish(current, left))));
    if (!taken) {
      steps.accept(new OffDevice(current, holdings, onDevice, left.finish()));
    }
    return current;
  }

  private Remainder<DeviceWorker.Result> begin(Worker worker, GpuRun current) {
    PromptJob job = current.job;
    JobEvents ofEngine =
        new JobEvents(
            job,
            clock,
            previews(current),
            event -> {
              current.signOfLife();
              events.accept(event);
            });
    return settings
        .planner()
        .plan(job)
        .map(
            plan ->
                worker.begin(
                    new DeviceWorker.Job(job.promptId(), plan, job.extraPngInfo(), current),
                    ofEngine))
        .orElseGet(
            () ->
                new Remainder.Nothing<>(
                    notRun(
                        ErrorKind.INPUT,
                        "The prompt was valid when it was accepted and is not any more: "
                            + settings.planner().whyNot(job))));
  }

  /** On a finisher's thread: a prompt whose end cannot be told would never end. */
  private DeviceWorker.Result finish(GpuRun current, Remainder<DeviceWorker.Result> left) {
    try {
      return left.finish();
    } catch (RuntimeException e) {
      log.endFailed(current.job, e);
      return notRun(ErrorKind.INTERNAL, e.toString());
    }
  }

  private static DeviceWorker.Result notRun(ErrorKind kind, String message) {
    return new DeviceWorker.Result(ExecutionOutcome.Failed.outsideNodes(kind, message), 0);
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
}
