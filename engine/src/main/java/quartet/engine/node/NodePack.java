package quartet.engine.node;

import java.util.List;

/**
 * A named set of nodes. A plug-in is a jar in {@code custom_nodes/} with one implementation of this
 * and its name in {@code META-INF/services/quartet.engine.node.NodePack}.
 */
public interface NodePack {
  /** Lower case, for example {@code my-nodes}. */
  String name();

  /** The nodes it brings. */
  List<Node> nodes();
}
