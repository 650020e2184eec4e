package quartet.engine.graph;

import java.util.Map;
import quartet.engine.node.Subgraph;

/** Turns what a node puts in its own place into planned nodes. */
@FunctionalInterface
public interface SubgraphPlanner {
  /**
   * Checked nodes by their full ids, in the order they were added.
   *
   * @param prefix stands before each local id
   * @throws quartet.errors.EngineException with everything that is wrong
   */
  Map<String, PlannedNode> plan(String prefix, Subgraph graph);
}
