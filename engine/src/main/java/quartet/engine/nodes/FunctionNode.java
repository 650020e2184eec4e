package quartet.engine.nodes;

import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;

/** A node that is a schema and a function of its inputs. */
record FunctionNode(NodeSchema schema, Work work) implements Node {
  /** What it does. */
  @FunctionalInterface
  interface Work {
    NodeResult run(NodeInputs inputs, NodeContext context);
  }

  static Node of(NodeSchema.Builder schema, Work work) {
    return new FunctionNode(schema.build(), work);
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return work.run(inputs, context);
  }
}
