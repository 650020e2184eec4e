package quartet.engine.exec;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Function;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Blocked;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeResult;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.Subgraph;

/**
 * How lists of values become calls of a node, and the calls' results become lists again.
 *
 * <p>A node is called once per index up to the longest input; shorter inputs repeat their last
 * element. An empty list means no call at all. A node that takes whole lists is called once.
 */
final class NodeCalls {
  private NodeCalls() {}

  /**
   * One call to make.
   *
   * @param blocked why it must not be made, or null
   */
  record Call(NodeInputs inputs, @Nullable Blocked blocked) {}

  /**
   * The result of one call.
   *
   * @param prefix of the ids of the nodes it put in its place
   */
  record Returned(NodeResult result, String prefix) {}

  static List<Call> of(NodeSchema schema, Map<String, List<Object>> inputs) {
    if (schema.takesLists()) {
      @Nullable Blocked blocked =
          blocked(inputs.values().stream().flatMap(List::stream).toList()).orElse(null);
      return List.of(new Call(NodeInputs.ofLists(inputs), blocked));
    }
    int count = inputs.values().stream().mapToInt(List::size).max().orElse(1);
    if (inputs.values().stream().anyMatch(List::isEmpty)) {
      count = 0;
    }
    List<Call> calls = new ArrayList<>(count);
    for (int i = 0; i < count; i++) {
      Map<String, Object> values = new HashMap<>();
      for (Map.Entry<String, List<Object>> input : inputs.entrySet()) {
        List<Object> list = input.getValue();
        values.put(input.getKey(), list.get(Math.min(i, list.size() - 1)));
      }
      calls.add(new Call(new NodeInputs(values), blocked(values.values()).orElse(null)));
    }
    return calls;
  }

  private static Optional<Blocked> blocked(Iterable<Object> values) {
    Optional<Blocked> found = Optional.empty();
    for (Object value : values) {
      if (value instanceof Blocked one && (found.isEmpty() || one.message() != null)) {
        found = Optional.of(one);
      }
    }
    return found;
  }

  /**
   * All calls' results as one.
   *
   * @param made outputs of the nodes that stand in an expansion, by full id
   */
  static NodeOutputs merge(
      NodeSchema schema, List<Returned> returned, Function<String, NodeOutputs> made) {
    List<List<Object>> slots = new ArrayList<>();
    for (int slot = 0; slot < schema.outputs().size(); slot++) {
      boolean isList = schema.outputs().get(slot).isList();
      List<Object> values = new ArrayList<>();
      for (Returned one : returned) {
        Object value = one.result().outputs().get(slot);
        switch (value) {
          case Subgraph.Out out ->
              values.addAll(made.apply(one.prefix() + out.localId()).slots().get(out.slot()));
          case Blocked blocked -> values.add(blocked);
          case List<?> list when isList -> values.addAll(list);
          default -> values.add(value);
        }
      }
      slots.add(List.copyOf(values));
    }
    return new NodeOutputs(slots, ui(returned));
  }

  /** The lists under the keys of the first call that shows something, one after the other. */
  private static @Nullable ObjectNode ui(List<Returned> returned) {
    ObjectNode merged = null;
    for (Returned one : returned) {
      ObjectNode ui = one.result().ui();
      if (ui == null) {
        continue;
      }
      if (merged == null) {
        merged = ui.deepCopy();
        continue;
      }
      for (Map.Entry<String, JsonNode> shown : merged.properties()) {
        if (shown.getValue() instanceof ArrayNode list
            && ui.get(shown.getKey()) instanceof ArrayNode more) {
          list.addAll(more);
        }
      }
    }
    return merged;
  }

  /** Checks that a call returned what its schema promises. */
  static void check(String nodeId, NodeSchema schema, NodeResult result) {
    int promised = schema.outputs().size();
    if (result.outputs().size() != promised) {
      throw new IllegalStateException(
          "node %s (%s) promised %d outputs and returned %d"
              .formatted(nodeId, schema.className(), promised, result.outputs().size()));
    }
    if (schema.hostOnly() && result.expansion() != null) {
      throw new IllegalStateException(
          "node %s (%s) is marked as host-only and puts other nodes in its place"
              .formatted(nodeId, schema.className()));
    }
    for (int slot = 0; slot < promised; slot++) {
      Object value = result.outputs().get(slot);
      boolean plain = !(value instanceof Blocked) && !(value instanceof Subgraph.Out);
      if (plain && schema.outputs().get(slot).isList() && !(value instanceof List)) {
        throw new IllegalStateException(
            "node %s (%s) declares output %d as a list and returned %s"
                .formatted(nodeId, schema.className(), slot, value.getClass().getSimpleName()));
      }
    }
  }
}
