package quartet.cluster.fleet;

import java.util.List;
import java.util.Set;
import org.jspecify.annotations.Nullable;
import quartet.cluster.placement.NodeOutlook;

/**
 * A server as another one sees it.
 *
 * @param address host and port of its messages; empty for a server alone
 * @param status one of {@link #STATUSES}
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
  /** What a server may be. */
  public static final List<String> STATUSES = List.of("up", "unreachable", "leaving", "down");

  /** Copies the set. */
  public NodeState {
    roles = Set.copyOf(roles);
  }
}
