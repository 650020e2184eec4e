package quartet.cluster.fleet;

import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.NodeOutlook;

/**
 * A server as another one sees it.
 *
 * @param address host and port of its messages; empty for a server alone
 * @param status up, unreachable, leaving or down
 * @param outlook what it told last, or null if nothing yet
 * @param lastSeenSeconds since then
 */
public record NodeState(
    String node,
    String address,
    String status,
    Set<String> roles,
    @Nullable NodeOutlook outlook,
    double lastSeenSeconds) {
  /** Copies the set. */
  public NodeState {
    roles = Set.copyOf(roles);
  }
}
