package quartet.api.telemetry;

import akka.actor.typed.Behavior;
import akka.actor.typed.BehaviorInterceptor;
import akka.actor.typed.TypedActorContext;
import java.time.Duration;

/** Times every message of an actor. */
final class MeasuredActor<T> extends BehaviorInterceptor<T, T> {
  private final Meters meters;
  private final Labels labels;

  MeasuredActor(Class<T> type, String name, Meters meters) {
    super(type);
    this.meters = meters;
    this.labels = Labels.NONE.and("actor", name);
  }

  @Override
  public Behavior<T> aroundReceive(
      TypedActorContext<T> context, T message, ReceiveTarget<T> target) {
    long start = System.nanoTime();
    try {
      return target.apply(context, message);
    } finally {
      meters.time(Figure.ACTOR, labels, Duration.ofNanos(System.nanoTime() - start));
    }
  }
}
