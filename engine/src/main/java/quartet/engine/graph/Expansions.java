package quartet.engine.graph;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.LongNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Catalog;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.Subgraph;
import quartet.errors.EngineException;

/** Checks and plans an expansion by the rules of a prompt. */
final class Expansions {
  private Expansions() {}

  static Map<String, PlannedNode> plan(
      NodeRegistry registry, Catalog catalog, String prefix, Subgraph graph) {
    ObjectNode prompt = JsonNodeFactory.instance.objectNode();
    graph.parts().forEach(part -> prompt.set(prefix + part.localId(), json(prefix, part)));
    NodeChecker checker = new NodeChecker(registry, catalog, prompt);
    Map<String, PlannedNode> planned = new LinkedHashMap<>();
    List<String> problems = new ArrayList<>();
    for (Subgraph.Part part : graph.parts()) {
      String id = prefix + part.localId();
      Optional<NodeRegistry.Registered> registered = registry.find(part.className());
      if (registered.isEmpty()) {
        problems.add("node %s: there is no class '%s'".formatted(id, part.className()));
        continue;
      }
      Map<String, Object> values = new HashMap<>(part.inputs());
      values.values().removeIf(value -> value instanceof Subgraph.Out || constant(value) != null);
      NodeChecker.Checked checked = checker.check(id, registered.get());
      checked.errors().stream()
          .filter(
              error ->
                  !error.type().equals("required_input_missing")
                      || !values.containsKey(error.details()))
          .map(error -> "node %s: %s: %s".formatted(id, error.message(), error.details()))
          .forEach(problems::add);
      values.putAll(checked.constants());
      planned.put(id, new PlannedNode(id, registered.get(), values, checked.links()));
    }
    if (!problems.isEmpty()) {
      throw new EngineException(
          GraphErrorCode.BAD_EXPANSION,
          "The nodes it makes are wrong: " + String.join("; ", problems));
    }
    return planned;
  }

  private static ObjectNode json(String prefix, Subgraph.Part part) {
    ObjectNode node = JsonNodeFactory.instance.objectNode().put("class_type", part.className());
    ObjectNode inputs = node.putObject("inputs");
    part.inputs()
        .forEach(
            (name, value) -> {
              JsonNode constant = constant(value);
              if (value instanceof Subgraph.Out out) {
                inputs.putArray(name).add(prefix + out.localId()).add(out.slot());
              } else if (constant != null) {
                inputs.set(name, constant);
              }
            });
    return node;
  }

  private static @Nullable JsonNode constant(Object value) {
    return switch (value) {
      case Integer number -> LongNode.valueOf(number);
      case Long number -> LongNode.valueOf(number);
      case Float number -> DoubleNode.valueOf(number);
      case Double number -> DoubleNode.valueOf(number);
      case Boolean flag -> BooleanNode.valueOf(flag);
      case String text -> TextNode.valueOf(text);
      default -> null;
    };
  }
}
