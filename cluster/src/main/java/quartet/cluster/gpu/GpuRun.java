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
  /** A step may take this many times as long as the longest one before it. */
  private static final long PATIENCE_FACTOR = 20;

  final PromptJob job;
  final Instant started;
  final int behind;

  /** How it ended, once it has; told when those before it have ended too. */
  @Nullable End end;

  private volatile boolean first;
  private volatile boolean cancelled;
  private volatile long lastSign = System.nanoTime();
  private volatile long longestGap;

  /** An end, and when it came. */
  record End(DeviceWorker.Result result, Instant at) {}

  GpuRun(PromptJob job, Instant started, int behind) {
    this.job = job;
    this.started = started;
    this.behind = behind;
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

  void signOfLife() {
    long now = System.nanoTime();
    longestGap = Math.max(longestGap, now - lastSign);
    lastSign = now;
  }

  /** How long it has been silent. */
  Duration silence() {
    return Duration.ofNanos(System.nanoTime() - lastSign);
  }

  /**
   * Whether it hangs.
   *
   * @param stuckAfter silence that is always allowed
   */
  boolean stuck(Duration stuckAfter) {
    long allowed = Math.max(stuckAfter.toNanos(), PATIENCE_FACTOR * longestGap);
    return System.nanoTime() - lastSign > allowed;
  }
}
