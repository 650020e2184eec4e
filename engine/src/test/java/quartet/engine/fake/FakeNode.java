package quartet.engine.fake;

import java.util.List;
import java.util.Optional;
import java.util.function.BiFunction;
import java.util.function.Function;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodePack;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;

/** A node made of two functions. */
public record FakeNode(
    NodeSchema schema,
    BiFunction<NodeInputs, NodeContext, NodeResult> work,
    Function<NodeInputs, Optional<String>> stamp)
    implements Node {
  /** A pure function of its inputs. */
  public static FakeNode of(
      NodeSchema.Builder schema, BiFunction<NodeInputs, NodeContext, NodeResult> work) {
    return new FakeNode(schema.build(), work, inputs -> Optional.empty());
  }

  /** Only to be planned, never run. */
  public static FakeNode idle(NodeSchema.Builder schema) {
    return of(
        schema,
        (inputs, context) -> {
          throw new IllegalStateException("a node that is only planned was run");
        });
  }

  /** A registry of these nodes alone. */
  public static NodeRegistry registry(List<Node> nodes) {
    return NodeRegistry.of(pack("core", nodes), List.of(), problem -> {});
  }

  /** A pack of nodes. */
  public static NodePack pack(String name, List<Node> nodes) {
    return new NodePack() {
      @Override
      public String name() {
        return name;
      }

      @Override
      public List<Node> nodes() {
        return nodes;
      }
    };
  }

  @Override
  public NodeResult run(NodeInputs inputs, NodeContext context) {
    return work.apply(inputs, context);
  }

  @Override
  public Optional<String> changeStamp(NodeInputs constants, NodeContext.Files files) {
    return stamp.apply(constants);
  }
}
