package quartet.engine.graph;

import java.util.Map;
import quartet.engine.node.NodeRegistry;

/**
 * One node of a plan.
 *
 * @param constants checked and converted values by input name: Long, Double, String, Boolean, or
 *     the raw JSON where a constant stands on a socket
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

  /** {@code class_type}. */
  public String className() {
    return registered.schema().className();
  }
}
