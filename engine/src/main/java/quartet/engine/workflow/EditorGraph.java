package quartet.engine.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.MissingNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Comparator;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.StreamSupport;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;

/**
 * One level of a saved workflow: the workflow itself, or a subgraph where it is used.
 *
 * @param prefix stands before the ids of this level's nodes in the prompt: {@code 5:} inside the
 *     subgraph that node 5 is
 * @param instance the node that this subgraph is, one level up, or null
 */
record EditorGraph(
    String prefix,
    JsonNode definition,
    Map<String, ObjectNode> nodes,
    Map<String, Wire> wires,
    @Nullable EditorGraph outer,
    @Nullable ObjectNode instance) {
  /** Subgraphs inside subgraphs; more is a definition that holds itself. */
  private static final int MAX_DEPTH = 32;

  /** A connection between two nodes of a level. */
  record Wire(String origin, int originSlot, String target, int targetSlot) {}

  static EditorGraph root(JsonNode workflow) {
    return of("", workflow, null, null);
  }

  /** The inside of a node that is a subgraph. */
  EditorGraph inside(ObjectNode node, JsonNode subgraph) {
    String inner = prefix + id(node) + ":";
    if (inner.chars().filter(c -> c == ':').count() > MAX_DEPTH) {
      throw new EngineException(
          WorkflowError.MALFORMED_WORKFLOW,
          "subgraph '%s' is nested more than %d deep: does it hold itself?"
              .formatted(subgraph.path("name").asText(), MAX_DEPTH));
    }
    return of(inner, subgraph, this, node);
  }

  private static EditorGraph of(
      String prefix,
      JsonNode definition,
      @Nullable EditorGraph outer,
      @Nullable ObjectNode instance) {
    Map<String, ObjectNode> nodes = new LinkedHashMap<>();
    List<JsonNode> inOrder =
        StreamSupport.stream(definition.path("nodes").spliterator(), false)
            .sorted(Comparator.comparingInt(node -> node.path("order").asInt()))
            .toList();
    for (JsonNode node : inOrder) {
      if (!(node instanceof ObjectNode object) || !object.path("id").isValueNode()) {
        throw new EngineException(
            WorkflowError.MALFORMED_WORKFLOW, "a node of the workflow has no id: " + node);
      }
      nodes.put(id(object), object);
    }
    Map<String, Wire> wires = new HashMap<>();
    for (JsonNode link : definition.path("links")) {
      wires.put(field(link, 0, "id").asText(), wire(link));
    }
    return new EditorGraph(prefix, definition, nodes, wires, outer, instance);
  }

  /** {@code [id, origin, slot, target, slot, type]}, or the same as an object. */
  private static Wire wire(JsonNode link) {
    return new Wire(
        field(link, 1, "origin_id").asText(),
        field(link, 2, "origin_slot").asInt(),
        field(link, 3, "target_id").asText(),
        field(link, 4, "target_slot").asInt());
  }

  private static JsonNode field(JsonNode link, int index, String name) {
    JsonNode value = link.isArray() ? link.path(index) : link.path(name);
    if (!value.isValueNode() || value.isMissingNode()) {
      throw new EngineException(
          WorkflowError.MALFORMED_WORKFLOW, "a link of the workflow has no " + name + ": " + link);
    }
    return value;
  }

  static String id(JsonNode node) {
    return node.path("id").asText();
  }

  /** The connection that ends at an input of a node, if there is one. */
  Optional<Wire> into(JsonNode input) {
    JsonNode link = input.path("link");
    return link.isMissingNode() || link.isNull()
        ? Optional.empty()
        : Optional.ofNullable(wires.get(link.asText()));
  }

  /** The connection that ends at an output of this subgraph. */
  Optional<Wire> intoOutput(int slot) {
    String end = definition.path("outputNode").path("id").asText("-20");
    return wires.values().stream()
        .filter(wire -> wire.target().equals(end) && wire.targetSlot() == slot)
        .findFirst();
  }

  /** Whether a connection begins at an input of this subgraph. */
  boolean isInput(Wire wire) {
    return instance != null
        && wire.origin().equals(definition.path("inputNode").path("id").asText("-10"));
  }

  /** The input of the node one level up that stands for an input of this subgraph. */
  JsonNode outerInput(int slot) {
    if (instance == null) {
      return MissingNode.getInstance();
    }
    String name = definition.path("inputs").path(slot).path("name").asText();
    for (JsonNode input : instance.path("inputs")) {
      if (input.path("name").asText().equals(name)) {
        return input;
      }
    }
    return MissingNode.getInstance();
  }
}
