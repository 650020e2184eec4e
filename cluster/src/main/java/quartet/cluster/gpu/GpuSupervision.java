package quartet.cluster.gpu;

import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.Behaviors;
import java.time.Duration;

/**
 * How a device's actor comes back after a failure: soon, then less and less often.
 *
 * @param first the first pause
 * @param longest the longest one
 */
public record GpuSupervision(Duration first, Duration longest) {
  private static final double JITTER = 0.1;
  private static final int STASH = 1000;

  /** For production. */
  public static final GpuSupervision USUAL =
      new GpuSupervision(Duration.ofMillis(200), Duration.ofSeconds(30));

  <T> Behavior<T> restarting(Behavior<T> behavior) {
    return Behaviors.supervise(behavior)
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(first, longest, JITTER)
                .withResetBackoffAfter(longest.multipliedBy(2))
                .withStashCapacity(STASH));
  }
}
