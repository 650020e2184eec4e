package quartet.api.http;

import akka.actor.typed.ActorRef;
import akka.actor.typed.javadsl.AskPattern;
import akka.http.javadsl.server.AllDirectives;
import akka.http.javadsl.server.Route;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import java.util.concurrent.CompletionStage;
import quartet.api.wire.ClusterJson;
import quartet.cluster.fleet.Fleet;
import quartet.cluster.fleet.NodeState;
import quartet.cluster.node.RouterProtocol;
import quartet.cluster.placement.NodeOutlook;

/** {@code GET /cluster}: the servers that work together; a server alone lists itself. */
final class ClusterRoutes extends AllDirectives {
  private static final Duration PATIENCE = Duration.ofSeconds(5);

  private final ServerParts parts;

  ClusterRoutes(ServerParts parts) {
    this.parts = parts;
  }

  Route route() {
    return path(
        "cluster",
        () ->
            get(
                () ->
                    completeWithFuture(
                        nodes(parts)
                            .thenApply(
                                nodes ->
                                    Replies.json(
                                        ClusterJson.of(parts.name(), parts.version(), nodes))))));
  }

  /** The servers as this one sees them. */
  static CompletionStage<List<NodeState>> nodes(ServerParts parts) {
    ActorRef<Fleet.Command> fleet = parts.fleet();
    return fleet != null
        ? AskPattern.ask(fleet, Fleet.Look::new, PATIENCE, parts.system().scheduler())
        : Asking.<NodeOutlook>local(parts, RouterProtocol.Outlook::new)
            .thenApply(own -> List.of(new NodeState(parts.name(), "", "up", Set.of(), own, 0)));
  }
}
