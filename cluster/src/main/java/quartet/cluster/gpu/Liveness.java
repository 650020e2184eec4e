package quartet.cluster.gpu;

import java.time.Duration;

/**
 * When a prompt last gave a sign of life, and how long it was ever silent between two of them. What
 * is slow all the time, such as the steps of a large picture, is allowed longer silences; nobody
 * has to know in advance how long a step takes.
 *
 * <p>Pure: moments are passed in, in nanoseconds of one monotonic clock.
 *
 * @param lastSign when
 * @param longestGap nanoseconds between two signs
 */
record Liveness(long lastSign, long longestGap) {
  /** A step may take this many times as long as the longest one before it. */
  private static final long PATIENCE_FACTOR = 20;

  /** It begins, and that is the first sign. */
  static Liveness from(long now) {
    return new Liveness(now, 0);
  }

  /** One more sign. */
  Liveness sign(long now) {
    return new Liveness(now, Math.max(longestGap, now - lastSign));
  }

  /** How long it has been silent. */
  Duration silence(long now) {
    return Duration.ofNanos(now - lastSign);
  }

  /**
   * Whether it hangs.
   *
   * @param stuckAfter silence that is always allowed
   */
  boolean stuck(long now, Duration stuckAfter) {
    return now - lastSign > Math.max(stuckAfter.toNanos(), PATIENCE_FACTOR * longestGap);
  }
}
