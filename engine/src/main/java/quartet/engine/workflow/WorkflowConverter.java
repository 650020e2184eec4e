package quartet.engine.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import quartet.engine.graph.Link;
import quartet.engine.node.Catalog;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeSchema;
import quartet.errors.EngineException;

/**
 * Turns a workflow as the editor saves it into a prompt: subgraphs are opened, muted nodes left
 * out, bypassed nodes and reroutes replaced by what they hand on, primitives by their value, and
 * widget values named by the schema.
 *
 * <p>Pure but for the catalog, which is asked for defaults. Thread: any.
 */
public final class WorkflowConverter {
  private static final int MUTED = 2;
  private static final int BYPASSED = 4;

  /** Nodes that only the editor has. */
  private static final Set<String> NOTES = Set.of("Note", "MarkdownNote");

  private static final String REROUTE = "Reroute";
  private static final String PRIMITIVE = "PrimitiveNode";

  /** Reroutes in a row; more is a circle. */
  private static final int MAX_STEPS = 1000;

  private final NodeRegistry registry;
  private final Catalog catalog;

  /** A converter that knows these nodes. */
  public WorkflowConverter(NodeRegistry registry, Catalog catalog) {
    this.registry = registry;
    this.catalog = catalog;
  }

  /** Whether this is the editor's form: a list of nodes. A prompt is an object of them. */
  public static boolean isEditorForm(JsonNode json) {
    return json.path("nodes").isArray();
  }

  /** Where an input's value comes from. */
  private sealed interface Source {
    record FromNode(Link link) implements Source {}

    record Value(JsonNode value) implements Source {}

    /** From nowhere: a muted node, or an open end. */
    record Nothing() implements Source {}
  }

  /**
   * The prompt, node id → {@code {class_type, inputs, _meta}}.
   *
   * @throws EngineException naming every node whose class is unknown, or what is malformed
   */
  public ObjectNode convert(JsonNode workflow) {
    if (!isEditorForm(workflow)) {
      throw new EngineException(
          WorkflowError.MALFORMED_WORKFLOW, "this is no saved workflow: it has no list of 'nodes'");
    }
    Map<String, JsonNode> subgraphs = new HashMap<>();
    for (JsonNode definition : workflow.path("definitions").path("subgraphs")) {
      subgraphs.put(definition.path("id").asText(), definition);
    }
    Conversion conversion = new Conversion(subgraphs);
    conversion.level(EditorGraph.root(workflow));
    if (!conversion.unknown.isEmpty()) {
      throw new EngineException(
          WorkflowError.UNKNOWN_NODE_TYPE,
          "These nodes are not known here; a plug-in may be missing: "
              + String.join(", ", conversion.unknown));
    }
    return conversion.prompt;
  }

  private final class Conversion {
    private final Map<String, JsonNode> subgraphs;
    private final ObjectNode prompt = JsonNodeFactory.instance.objectNode();
    private final List<String> unknown = new ArrayList<>();

    Conversion(Map<String, JsonNode> subgraphs) {
      this.subgraphs = subgraphs;
    }

    void level(EditorGraph graph) {
      for (ObjectNode node : graph.nodes().values()) {
        String type = type(node);
        int mode = node.path("mode").asInt();
        boolean virtual = NOTES.contains(type) || type.equals(REROUTE) || type.equals(PRIMITIVE);
        if (virtual || mode == MUTED || mode == BYPASSED) {
          continue;
        }
        JsonNode subgraph = subgraphs.get(type);
        if (subgraph != null) {
          level(graph.inside(node, subgraph));
        } else {
          registry
              .find(type)
              .ifPresentOrElse(
                  found -> node(graph, node, found.schema()),
                  () ->
                      unknown.add(
                          "%s (node %s%s)".formatted(type, graph.prefix(), EditorGraph.id(node))));
        }
      }
    }

    private void node(EditorGraph graph, ObjectNode node, NodeSchema schema) {
      ObjectNode one = prompt.putObject(graph.prefix() + EditorGraph.id(node));
      ObjectNode inputs = one.putObject("inputs");
      Widgets.of(schema, node.path("widgets_values"), catalog)
          .forEach((name, value) -> inputs.set(name, constant(value)));
      for (JsonNode input : node.path("inputs")) {
        String name = input.path("widget").path("name").asText(input.path("name").asText());
        if (schema.input(name).isPresent()) {
          switch (graph.into(input).map(wire -> source(graph, wire)).orElse(new Source.Nothing())) {
            case Source.FromNode from ->
                inputs.putArray(name).add(from.link().nodeId()).add(from.link().slot());
            case Source.Value value -> inputs.set(name, constant(value.value()));
            case Source.Nothing ignored -> {} // a widget keeps its own value
          }
        }
      }
      one.put("class_type", schema.className());
      one.putObject("_meta").put("title", node.path("title").asText(schema.displayName()));
    }

    /** Follows a connection to the node that really makes the value. */
    private Source source(EditorGraph graph, EditorGraph.Wire first) {
      EditorGraph level = graph;
      EditorGraph.Wire wire = first;
      for (int step = 0; step < MAX_STEPS; step++) {
        EditorGraph outer = level.outer();
        Optional<EditorGraph.Wire> next;
        if (outer != null && level.isInput(wire)) {
          JsonNode input = level.outerInput(wire.originSlot());
          next = outer.into(input);
          if (next.isEmpty()) {
            return promoted(level, input);
          }
          level = outer;
        } else {
          ObjectNode node = level.nodes().get(wire.origin());
          if (node == null || node.path("mode").asInt() == MUTED) {
            return new Source.Nothing();
          }
          JsonNode subgraph = subgraphs.get(type(node));
          if (node.path("mode").asInt() == BYPASSED) {
            next = bypass(level, node, wire.originSlot());
          } else if (type(node).equals(REROUTE)) {
            next = level.into(node.path("inputs").path(0));
          } else if (type(node).equals(PRIMITIVE)) {
            return primitive(node);
          } else if (subgraph != null) {
            level = level.inside(node, subgraph);
            next = level.intoOutput(wire.originSlot());
          } else {
            return new Source.FromNode(
                new Link(level.prefix() + EditorGraph.id(node), wire.originSlot()));
          }
        }
        if (next.isEmpty()) {
          return new Source.Nothing();
        }
        wire = next.get();
      }
      throw new EngineException(
          WorkflowError.MALFORMED_WORKFLOW,
          "the connections behind node %s%s go in a circle"
              .formatted(graph.prefix(), first.target()));
    }

    private Source primitive(ObjectNode node) {
      JsonNode value = node.path("widgets_values").path(0);
      return value.isMissingNode() ? new Source.Nothing() : new Source.Value(value);
    }

    /** The value of a subgraph's widget that its node shows: they stand in order of the inputs. */
    private Source promoted(EditorGraph level, JsonNode wanted) {
      ObjectNode instance = level.instance();
      if (instance == null || !wanted.has("widget")) {
        return new Source.Nothing();
      }
      JsonNode values = instance.path("widgets_values");
      int index = 0;
      for (JsonNode input : instance.path("inputs")) {
        if (input.equals(wanted)) {
          JsonNode value =
              values.isObject() ? values.path(wanted.path("name").asText()) : values.path(index);
          return value.isMissingNode() ? new Source.Nothing() : new Source.Value(value);
        }
        index += input.has("widget") ? 1 : 0;
      }
      return new Source.Nothing();
    }

    /** A bypassed node hands on an input of the output's type, best the one of the same place. */
    private Optional<EditorGraph.Wire> bypass(EditorGraph level, ObjectNode node, int slot) {
      String wanted = node.path("outputs").path(slot).path("type").asText();
      JsonNode same = node.path("inputs").path(slot);
      List<JsonNode> candidates = new ArrayList<>(List.of(same));
      node.path("inputs").forEach(candidates::add);
      return candidates.stream()
          .filter(
              input -> {
                String type = input.path("type").asText();
                return type.equals(wanted) || type.equals("*") || wanted.equals("*");
              })
          .flatMap(input -> level.into(input).stream())
          .findFirst();
    }
  }

  private static String type(JsonNode node) {
    return node.path("type").asText();
  }

  /** A list would be read as a link. */
  private static JsonNode constant(JsonNode value) {
    return value instanceof ArrayNode
        ? JsonNodeFactory.instance.objectNode().set("__value__", value)
        : value;
  }
}
