package quartet.engine.graph;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Catalog;
import quartet.engine.node.NodeRegistry;
import quartet.errors.Required;

/**
 * Checks a whole prompt and makes its plan.
 *
 * <p>Only what the wanted output nodes reach is checked and run; class names are checked
 * everywhere. An output node is dropped when anything it reaches is wrong; the prompt is refused
 * when none is left.
 */
public final class GraphValidator {
  private final NodeRegistry registry;
  private final Catalog catalog;

  /** A validator over the nodes and files of this server. */
  public GraphValidator(NodeRegistry registry, Catalog catalog) {
    this.registry = registry;
    this.catalog = catalog;
  }

  /**
   * Checks and plans.
   *
   * @param submitted node id → {@code {class_type, inputs}}; not changed
   * @param targets output nodes that are wanted, or null for all
   */
  public Validation validate(ObjectNode submitted, @Nullable Set<String> targets) {
    ObjectNode prompt = submitted.deepCopy();
    Map<String, NodeRegistry.Registered> classes = new LinkedHashMap<>();
    for (Map.Entry<String, JsonNode> entry : prompt.properties()) {
      Optional<PromptError> unknown = unknownClass(entry.getKey(), entry.getValue());
      if (unknown.isPresent()) {
        return new Validation.Invalid(unknown.get(), JsonNodeFactory.instance.objectNode());
      }
      classes.put(
          entry.getKey(), registry.find(entry.getValue().get("class_type").asText()).orElseThrow());
    }
    List<String> outputs =
        classes.entrySet().stream()
            .filter(entry -> entry.getValue().schema().output())
            .map(Map.Entry::getKey)
            .filter(id -> targets == null || targets.contains(id))
            .toList();
    if (outputs.isEmpty()) {
      return new Validation.Invalid(
          new PromptError("prompt_no_outputs", "Prompt has no outputs", ""),
          JsonNodeFactory.instance.objectNode());
    }
    return check(prompt, classes, outputs);
  }

  private Optional<PromptError> unknownClass(String id, JsonNode node) {
    JsonNode type = node.get("class_type");
    if (type != null && type.isTextual() && registry.find(type.textValue()).isPresent()) {
      return Optional.empty();
    }
    String title = node.path("_meta").path("title").asText(type == null ? id : type.asText());
    ObjectNode extra = JsonNodeFactory.instance.objectNode();
    extra.put("node_id", id);
    extra.set("class_type", type == null ? JsonNodeFactory.instance.nullNode() : type);
    extra.put("node_title", title);
    String message =
        type == null
            ? "Node '%s' has no class_type".formatted(title)
            : "Node '%s' of class '%s' is not known here; a plug-in may be missing"
                .formatted(title, type.asText());
    return Optional.of(
        new PromptError("missing_node_type", message, "Node ID '#" + id + "'", extra));
  }

  private Validation check(
      ObjectNode prompt, Map<String, NodeRegistry.Registered> classes, List<String> outputs) {
    NodeChecker checker = new NodeChecker(registry, catalog, prompt);
    Map<String, NodeChecker.Checked> checked = new LinkedHashMap<>();
    Map<String, Set<String>> reached = new LinkedHashMap<>();
    for (String output : outputs) {
      reached.put(output, reach(output, classes, checker, checked));
    }
    Set<String> blamed = new HashSet<>();
    for (List<String> cycle : Cycles.find(checked)) {
      if (blamed.add(cycle.getFirst())) {
        Required.in(checked, cycle.getFirst()).errors().add(cycleError(cycle, classes));
      }
    }

    ObjectNode nodeErrors = JsonNodeFactory.instance.objectNode();
    List<String> good = new ArrayList<>();
    for (Map.Entry<String, Set<String>> entry : reached.entrySet()) {
      boolean failed = false;
      for (String id : entry.getValue()) {
        List<PromptError> errors = Required.in(checked, id).errors();
        if (!errors.isEmpty()) {
          failed = true;
          report(nodeErrors, id, Required.in(classes, id), errors, entry.getKey());
        }
      }
      if (!failed) {
        good.add(entry.getKey());
      }
    }
    if (good.isEmpty()) {
      return new Validation.Invalid(failedOutputs(outputs, checked), nodeErrors);
    }
    return new Validation.Ready(plan(prompt, classes, checked, reached, good), nodeErrors);
  }

  /** All nodes that an output needs, itself included; an explicit stack, as chains may be long. */
  private static Set<String> reach(
      String output,
      Map<String, NodeRegistry.Registered> classes,
      NodeChecker checker,
      Map<String, NodeChecker.Checked> checked) {
    Set<String> seen = new LinkedHashSet<>();
    Deque<String> open = new ArrayDeque<>(List.of(output));
    while (!open.isEmpty()) {
      String id = open.pop();
      if (seen.add(id)) {
        NodeChecker.Checked own =
            checked.computeIfAbsent(id, key -> checker.check(key, Required.in(classes, key)));
        own.links().values().forEach(link -> open.push(link.nodeId()));
      }
    }
    return seen;
  }

  private static PromptError cycleError(
      List<String> cycle, Map<String, NodeRegistry.Registered> classes) {
    ObjectNode extra = JsonNodeFactory.instance.objectNode().put("node_id", cycle.getFirst());
    cycle.forEach(extra.putArray("cycle_nodes")::add);
    String path =
        java.util.stream.Stream.concat(cycle.stream(), java.util.stream.Stream.of(cycle.getFirst()))
            .map(id -> "%s (%s)".formatted(id, Required.in(classes, id).schema().className()))
            .collect(Collectors.joining(" -> "));
    return new PromptError(
        "dependency_cycle", "Nodes depend on each other in a circle", path, extra);
  }

  private static void report(
      ObjectNode nodeErrors,
      String id,
      NodeRegistry.Registered registered,
      List<PromptError> errors,
      String output) {
    ObjectNode entry = (ObjectNode) nodeErrors.get(id);
    if (entry == null) {
      entry = nodeErrors.putObject(id);
      errors.stream().map(PromptError::toJson).forEach(entry.putArray("errors")::add);
      entry.putArray("dependent_outputs");
      entry.put("class_type", registered.schema().className());
    }
    entry.withArray("dependent_outputs").add(output);
  }

  private static PromptError failedOutputs(
      List<String> outputs, Map<String, NodeChecker.Checked> checked) {
    String details =
        outputs.stream()
            .flatMap(id -> Required.in(checked, id).errors().stream())
            .map(error -> error.message() + ": " + error.details())
            .collect(Collectors.joining("\n"));
    return new PromptError(
        "prompt_outputs_failed_validation", "Prompt outputs failed validation", details);
  }

  private ExecutionPlan plan(
      ObjectNode prompt,
      Map<String, NodeRegistry.Registered> classes,
      Map<String, NodeChecker.Checked> checked,
      Map<String, Set<String>> reached,
      List<String> good) {
    Map<String, PlannedNode> needed = new LinkedHashMap<>();
    for (String id : classes.keySet()) {
      if (good.stream().anyMatch(output -> Required.in(reached, output).contains(id))) {
        NodeChecker.Checked own = Required.in(checked, id);
        needed.put(id, new PlannedNode(id, Required.in(classes, id), own.constants(), own.links()));
      }
    }
    Map<String, PlannedNode> ordered = new LinkedHashMap<>();
    ExecutionOrder.of(needed).forEach(id -> ordered.put(id, needed.get(id)));
    return new ExecutionPlan(
        prompt,
        ordered,
        good,
        (prefix, graph) -> Expansions.plan(registry, catalog, prefix, graph));
  }
}
