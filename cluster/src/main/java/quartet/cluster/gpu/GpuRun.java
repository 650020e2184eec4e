package quartet.cluster.gpu;

import java.time.Duration;
import java.time.Instant;
import org.jspecify.annotations.Nullable;
import quartet.cluster.job.PromptJob;
import quartet.engine.device.DeviceWorker;
import quartet.engine.run.CancelToken;

/**
 * One prompt on a device or on its way out, and when it last gave a sign of life.
 *
 * <p>Thread: the actor's, but {@link #signOfLife}, {@link #isFirst} and {@link #isCancelled} come
 * from the device's, and then from the one that does what is left.
 */
final class GpuRun implements CancelToken {
  final PromptJob job;
  final Instant started;
  final int behind;

  private @Nullable End end;
  private volatile boolean first;
  private volatile boolean cancelled;
  private volatile Liveness liveness = Liveness.from(System.nanoTime());

  /** An end: whose, how, and when it came. */
  record End(GpuRun run, DeviceWorker.Result result, Instant at) {
    /** From start to end. */
    Duration took() {
      return Duration.between(run.started, at);
    }
  }

  GpuRun(PromptJob job, Instant started, int behind) {
    this.job = job;
    this.started = started;
    this.behind = behind;
  }

  boolean is(String promptId) {
    return job.promptId().equals(promptId);
  }

  /** It has ended; that is told when those before it have ended too. */
  void ended(DeviceWorker.Result result, Instant at) {
    end = new End(this, result, at);
  }

  /** How it ended, or null if it has not. */
  @Nullable End end() {
    return end;
  }

  /** Those that started before it on the device have ended. */
  void becomesFirst() {
    first = true;
  }

  boolean isFirst() {
    return first;
  }

  void cancel() {
    cancelled = true;
  }

  @Override
  public boolean isCancelled() {
    return cancelled;
  }

  @Override
  public void asked() {
    signOfLife();
  }

  /** Two threads' signs at the same moment may lose one of them: then the other one counts. */
  void signOfLife() {
    liveness = liveness.sign(System.nanoTime());
  }

  /** How long it has been silent. */
  Duration silence() {
    return liveness.silence(System.nanoTime());
  }

  /** The same in words. */
  String silentFor() {
    return "prompt %s has given no sign of life for %d s"
        .formatted(job.promptId(), silence().toSeconds());
  }

  /**
   * Whether it hangs.
   *
   * @param stuckAfter silence that is always allowed
   */
  boolean stuck(Duration stuckAfter) {
    return liveness.stuck(System.nanoTime(), stuckAfter);
  }
}
