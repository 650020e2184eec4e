package quartet.engine.graph;

import java.util.HashMap;
import java.util.Map;
import quartet.engine.node.NodeRegistry;

/**
 * One node of a plan.
 *
 * @param constants checked and converted values by input name: Long, Double, String, Boolean, the
 *     raw JSON where a constant stands on a socket, or what an expansion has put there
 * @param links where the other inputs come from
 */
public record PlannedNode(
    String id,
    NodeRegistry.Registered registered,
    Map<String, Object> constants,
    Map<String, Link> links) {
  /** Copies the maps. */
  public PlannedNode {
    constants = Map.copyOf(constants);
    links = Map.copyOf(links);
  }

  /** Links that must be there before it runs, by input name. */
  public Map<String, Link> eagerLinks() {
    if (registered.schema().lazy().isEmpty()) {
      return links;
    }
    Map<String, Link> eager = new HashMap<>(links);
    eager.keySet().removeAll(registered.schema().lazy());
    return eager;
  }

  /** {@code class_type}. */
  public String className() {
    return registered.schema().className();
  }
}
