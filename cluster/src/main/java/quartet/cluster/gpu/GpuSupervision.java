package quartet.cluster.gpu;

import akka.actor.typed.Behavior;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.Behaviors;
import java.time.Duration;

/** How a device's actor comes back after a failure: soon, then less and less often. */
final class GpuSupervision {
  private static final Duration FIRST = Duration.ofMillis(200);
  private static final Duration LONGEST = Duration.ofSeconds(30);
  private static final double JITTER = 0.1;

  private GpuSupervision() {}

  static <T> Behavior<T> restarting(Behavior<T> behavior) {
    return Behaviors.supervise(behavior)
        .onFailure(
            RuntimeException.class,
            SupervisorStrategy.restartWithBackoff(FIRST, LONGEST, JITTER).withStashCapacity(1000));
  }
}
