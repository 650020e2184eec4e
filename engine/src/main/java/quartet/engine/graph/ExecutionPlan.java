package quartet.engine.graph;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What to run, in which order.
 *
 * @param prompt the prompt with converted values, as history and PNG files show it
 * @param nodes the nodes that are needed, by id, in execution order
 * @param outputs ids of the output nodes
 * @param expander checks and plans what nodes put in their own place
 */
public record ExecutionPlan(
    ObjectNode prompt,
    Map<String, PlannedNode> nodes,
    List<String> outputs,
    SubgraphPlanner expander) {
  /** A plan whose nodes do not expand. */
  public ExecutionPlan(ObjectNode prompt, Map<String, PlannedNode> nodes, List<String> outputs) {
    this(
        prompt,
        nodes,
        outputs,
        (prefix, graph) -> {
          throw new IllegalStateException("this plan was made without expansions");
        });
  }

  /** Copies the collections, keeping their order. */
  public ExecutionPlan {
    nodes = Collections.unmodifiableMap(new LinkedHashMap<>(nodes));
    outputs = List.copyOf(outputs);
  }
}
