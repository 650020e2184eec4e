package quartet.cluster.gpu;

import java.time.Duration;
import java.util.Locale;

/**
 * What a device has done so far, as its log line shows it. Means are over all prompts since the
 * start.
 *
 * @param tasks prompts that ended
 * @param succeeded of these, without an error
 * @param queueSum sum over starts of the prompts that waited then
 * @param waitSum sum of times from acceptance to start
 * @param executionSum sum of times from start to end
 * @param outOfMemory times the device's memory was exhausted
 */
public record GpuFigures(
    long tasks,
    long succeeded,
    long queueSum,
    Duration waitSum,
    Duration executionSum,
    long outOfMemory) {
  /** Nothing yet. */
  public static final GpuFigures NONE = new GpuFigures(0, 0, 0, Duration.ZERO, Duration.ZERO, 0);

  /** One more prompt. */
  GpuFigures plus(
      boolean success, int waitingThen, Duration waited, Duration executed, int outOfMemoryNow) {
    return new GpuFigures(
        tasks + 1,
        succeeded + (success ? 1 : 0),
        queueSum + waitingThen,
        waitSum.plus(waited),
        executionSum.plus(executed),
        outOfMemory + outOfMemoryNow);
  }

  /** Mean execution time, or zero before the first prompt. */
  public Duration meanExecution() {
    return tasks == 0 ? Duration.ZERO : executionSum.dividedBy(tasks);
  }

  /** {@code tasks=10, success=100.0%, queue=2.5, wait=150ms, exec=15234ms, oom=0}. */
  @Override
  public String toString() {
    long count = Math.max(1, tasks);
    return String.format(
        Locale.ROOT,
        "tasks=%d, success=%.1f%%, queue=%.1f, wait=%dms, exec=%dms, oom=%d",
        tasks,
        100.0 * succeeded / count,
        (double) queueSum / count,
        waitSum.toMillis() / count,
        executionSum.toMillis() / count,
        outOfMemory);
  }
}
