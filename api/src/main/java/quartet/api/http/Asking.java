package quartet.api.http;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.AskPattern;
import akka.japi.function.Function;
import java.time.Duration;
import java.util.concurrent.CompletionStage;
import quartet.cluster.node.RouterProtocol;

/** Asks the front actor, with one patience for all routes. */
final class Asking {
  private static final Duration PATIENCE = Duration.ofSeconds(10);

  private Asking() {}

  static <T> CompletionStage<T> router(
      ServerParts parts, Function<ActorRef<T>, RouterProtocol.Command> message) {
    return AskPattern.ask(parts.router(), message, PATIENCE, parts.system().scheduler());
  }

  /** Asks this server alone, also where it is one of several. */
  static <T> CompletionStage<T> local(
      ServerParts parts, Function<ActorRef<T>, RouterProtocol.Command> message) {
    return AskPattern.ask(parts.local(), message, PATIENCE, parts.system().scheduler());
  }
}
