package quartet.api.serve;

import akka.actor.typed.ActorRef;
import akka.actor.typed.ActorSystem;
import akka.actor.typed.Behavior;
import akka.actor.typed.Props;
import akka.actor.typed.SpawnProtocol;
import akka.actor.typed.SupervisorStrategy;
import akka.actor.typed.javadsl.AskPattern;
import akka.actor.typed.javadsl.Behaviors;
import java.time.Duration;
import quartet.api.telemetry.Telemetry;

/** Starts a server's actors below {@code /user}, each measured; they end with the system. */
record Actors(ActorSystem<SpawnProtocol.Command> system, Telemetry telemetry) {
  private static final Duration PATIENCE = Duration.ofSeconds(20);

  /** Starts one; returns when it is there. */
  <T> ActorRef<T> spawn(Class<T> type, Behavior<T> behavior, String name) {
    Behavior<T> measured = telemetry.measured(type, name, behavior);
    ActorRef<T> actor =
        AskPattern.<SpawnProtocol.Command, ActorRef<T>>ask(
                system,
                replyTo -> new SpawnProtocol.Spawn<>(measured, name, Props.empty(), replyTo),
                PATIENCE,
                system.scheduler())
            .toCompletableFuture()
            .join();
    telemetry.watch(name, actor);
    return actor;
  }

  /** The same, going on after a message that it cannot handle: that must not take all it knows. */
  <T> ActorRef<T> spawnResuming(Class<T> type, Behavior<T> behavior, String name) {
    return spawn(
        type,
        Behaviors.supervise(behavior)
            .onFailure(RuntimeException.class, SupervisorStrategy.resume()),
        name);
  }
}
