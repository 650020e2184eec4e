package quartet.engine.nodes;

import java.math.BigInteger;
import java.util.List;
import java.util.stream.Stream;
import quartet.engine.node.Input;
import quartet.engine.node.Node;
import quartet.engine.node.NodeContext;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;

/** Nodes that hold one value, to be used in several places of a workflow. */
final class Primitives {
  /** Source: comfyui-protocol §7.7. */
  private static final BigInteger LARGEST = BigInteger.valueOf(Long.MAX_VALUE);

  private static final double LARGEST_FRACTION = Long.MAX_VALUE;

  private Primitives() {}

  /** The given nodes and then these. */
  static List<Node> and(Node... others) {
    return Stream.concat(Stream.of(others), nodes().stream()).toList();
  }

  /** All of them, in the order of the menu. */
  static List<Node> nodes() {
    return List.of(
        new Primitive<>("PrimitiveString", "String", Input.text("value", ""), PortType.STRING),
        new Primitive<>(
            "PrimitiveStringMultiline",
            "String (Multiline)",
            new Input.StringInput("value", "", true, false),
            PortType.STRING),
        new Primitive<>(
            "PrimitiveInt",
            "Int",
            new Input.IntInput("value", BigInteger.ZERO, LARGEST.negate(), LARGEST, 1, true, null),
            PortType.INT),
        new Primitive<>(
            "PrimitiveFloat",
            "Float",
            Input.fraction("value", 0, -LARGEST_FRACTION, LARGEST_FRACTION, 0.1),
            PortType.FLOAT),
        new Primitive<>(
            "PrimitiveBoolean",
            "Boolean",
            new Input.BooleanInput("value", false),
            PortType.BOOLEAN));
  }

  private record Primitive<T>(String className, String display, Input<T> value, PortType<T> type)
      implements Node {
    @Override
    public NodeSchema schema() {
      return NodeSchema.named(className)
          .display(display)
          .category("utils/primitive")
          .description("Holds one value for several places of a workflow.")
          .required(value)
          .returns(type)
          .build();
    }

    @Override
    public NodeResult run(NodeInputs inputs, NodeContext context) {
      return NodeResult.of(inputs.get(value));
    }
  }
}
