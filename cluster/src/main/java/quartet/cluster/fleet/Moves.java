package quartet.cluster.fleet;

import akka.actor.typed.ActorRef;
import quartet.cluster.node.RouterProtocol;

/** Where a waiting prompt is put, as a message between servers and back. Pure. */
final class Moves {
  private Moves() {}

  static FleetMessage.Move message(RouterProtocol.Move move, ActorRef<FleetMessage.Moved> replyTo) {
    return switch (move.where()) {
      case RouterProtocol.ToGpu to ->
          new FleetMessage.Move(move.promptId(), "gpu", null, to.gpuId(), replyTo);
      case RouterProtocol.ToFront ignored ->
          new FleetMessage.Move(move.promptId(), "front", null, null, replyTo);
      case RouterProtocol.ToBack ignored ->
          new FleetMessage.Move(move.promptId(), "back", null, null, replyTo);
      case RouterProtocol.Before before ->
          new FleetMessage.Move(move.promptId(), "before", before.promptId(), null, replyTo);
      case RouterProtocol.Priority priority ->
          new FleetMessage.Move(move.promptId(), "priority", null, priority.priority(), replyTo);
    };
  }

  /** What cannot be read leaves the prompt at the end of its client's. */
  static RouterProtocol.Where where(FleetMessage.Move move) {
    Integer number = move.number();
    String before = move.before();
    return switch (move.where()) {
      case "gpu" -> new RouterProtocol.ToGpu(number);
      case "front" -> new RouterProtocol.ToFront();
      case "before" -> new RouterProtocol.Before(before == null ? "" : before);
      case "priority" -> new RouterProtocol.Priority(number == null ? 0 : number);
      default -> new RouterProtocol.ToBack();
    };
  }
}
