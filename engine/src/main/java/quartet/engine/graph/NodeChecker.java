package quartet.engine.graph;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.math.BigInteger;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.jspecify.annotations.Nullable;
import quartet.engine.node.Catalog;
import quartet.engine.node.Input;
import quartet.engine.node.NodeInputs;
import quartet.engine.node.NodeRegistry;
import quartet.engine.node.NodeSchema;
import quartet.engine.node.PortType;
import quartet.engine.node.SchemaJson;

/**
 * Checks one node's own inputs: missing, then link, then conversion, then range, then membership.
 * The first check that fails ends that input; the other inputs go on, so a user sees everything at
 * once.
 */
final class NodeChecker {
  private static final int LISTED_OPTIONS = 20;

  private final NodeRegistry registry;
  private final Catalog catalog;
  private final ObjectNode prompt;

  NodeChecker(NodeRegistry registry, Catalog catalog, ObjectNode prompt) {
    this.registry = registry;
    this.catalog = catalog;
    this.prompt = prompt;
  }

  /** A node's inputs, or what is wrong with them. */
  record Checked(
      Map<String, Object> constants, Map<String, Link> links, List<PromptError> errors) {}

  /** Checks a node whose class is known; writes converted constants back into the prompt. */
  Checked check(String id, NodeRegistry.Registered registered) {
    NodeSchema schema = registered.schema();
    Map<String, Object> constants = new LinkedHashMap<>();
    Map<String, Link> links = new LinkedHashMap<>();
    List<PromptError> errors = new ArrayList<>();
    JsonNode given = prompt.path(id).path("inputs");
    for (Input<?> input : schema.inputs().toList()) {
      JsonNode value = given.get(input.name());
      if (value == null) {
        if (schema.required().contains(input)) {
          errors.add(
              new PromptError(
                  "required_input_missing",
                  "Required input is missing",
                  input.name(),
                  info(input, null, false)));
        }
      } else if (value.isArray()) {
        link(input, value, errors).ifPresent(link -> links.put(input.name(), link));
      } else {
        JsonNode constant =
            value.isObject() && value.has("__value__") ? value.get("__value__") : value;
        boolean itself = registered.node().checkedByItself().contains(input.name());
        constant(input, constant, itself, errors)
            .ifPresent(
                converted -> {
                  constants.put(input.name(), javaValue(input, converted));
                  ((ObjectNode) given).set(input.name(), converted);
                });
      }
    }
    if (errors.isEmpty()) {
      registered
          .node()
          .check(new NodeInputs(constants), catalog)
          .ifPresent(
              text -> {
                for (String name : registered.node().checkedByItself()) {
                  ObjectNode extra = JsonNodeFactory.instance.objectNode().put("input_name", name);
                  errors.add(
                      new PromptError(
                          "custom_validation_failed",
                          "Input was refused by its node",
                          name + " - " + text,
                          extra));
                }
              });
    }
    return new Checked(constants, links, errors);
  }

  private Optional<Link> link(Input<?> input, JsonNode value, List<PromptError> errors) {
    if (value.size() != 2 || !value.get(0).isValueNode() || !isSlot(value.get(1))) {
      errors.add(
          new PromptError(
              "bad_linked_input",
              "A link is written [\"node id\", output slot]",
              input.name(),
              info(input, value, true)));
      return Optional.empty();
    }
    Link link = new Link(value.get(0).asText(), value.get(1).intValue());
    JsonNode upstream = prompt.get(link.nodeId());
    if (upstream == null) {
      errors.add(
          new PromptError(
              "bad_linked_input",
              "Link to a node that is not in the prompt",
              "%s: node '%s' does not exist".formatted(input.name(), link.nodeId()),
              info(input, value, true)));
      return Optional.empty();
    }
    List<NodeSchema.Output> outputs =
        registry
            .find(upstream.path("class_type").asText())
            .map(found -> found.schema().outputs())
            .orElse(List.of());
    if (link.slot() < 0 || link.slot() >= outputs.size()) {
      errors.add(
          new PromptError(
              "bad_linked_input",
              "Link to an output that the node does not have",
              "%s: node '%s' (%s) has %d outputs, slot %d was asked for"
                  .formatted(
                      input.name(),
                      link.nodeId(),
                      upstream.path("class_type").asText(),
                      outputs.size(),
                      link.slot()),
              info(input, value, true)));
      return Optional.empty();
    }
    String received = outputs.get(link.slot()).type().name();
    if (!PortType.accepts(input.typeName(), received)) {
      ObjectNode extra = info(input, null, true);
      extra.put("received_type", received);
      extra.set("linked_node", value);
      errors.add(
          new PromptError(
              "return_type_mismatch",
              "Return type mismatch between linked nodes",
              "%s, received_type(%s) mismatch input_type(%s)"
                  .formatted(input.name(), received, input.typeName()),
              extra));
      return Optional.empty();
    }
    return Optional.of(link);
  }

  private static boolean isSlot(JsonNode value) {
    return value.isNumber() && value.canConvertToInt() && value.canConvertToExactIntegral();
  }

  private Optional<JsonNode> constant(
      Input<?> input, JsonNode value, boolean checkedByItself, List<PromptError> errors) {
    JsonNode converted;
    try {
      converted = ConstantConverter.convert(input, value);
    } catch (ConstantConverter.NotConvertible e) {
      ObjectNode extra = info(input, value, true);
      extra.put("exception_message", e.getMessage());
      errors.add(
          new PromptError(
              "invalid_input_type",
              "Failed to convert an input value to a " + input.typeName() + " value",
              "%s, %s, %s".formatted(input.name(), shown(value), e.getMessage()),
              extra));
      return Optional.empty();
    }
    if (checkedByItself) {
      return Optional.of(converted);
    }
    PromptError problem = rangeProblem(input, converted);
    if (problem != null) {
      errors.add(problem);
      return Optional.empty();
    }
    return Optional.of(converted);
  }

  private @Nullable PromptError rangeProblem(Input<?> input, JsonNode value) {
    return switch (input) {
      case Input.IntInput number -> {
        BigInteger given = value.bigIntegerValue();
        yield given.compareTo(number.min()) < 0
            ? tooSmall(input, value, number.min().toString())
            : given.compareTo(number.max()) > 0
                ? tooBig(input, value, number.max().toString())
                : null;
      }
      case Input.FloatInput number ->
          value.doubleValue() < number.min()
              ? tooSmall(input, value, Double.toString(number.min()))
              : value.doubleValue() > number.max()
                  ? tooBig(input, value, Double.toString(number.max()))
                  : null;
      case Input.ComboInput combo -> notInList(combo, value);
      case Input.RemoteImageInput ignored -> null;
      case Input.StringInput ignored -> null;
      case Input.BooleanInput ignored -> null;
      case Input.SocketInput<?> ignored -> null;
    };
  }

  private PromptError tooSmall(Input<?> input, JsonNode value, String min) {
    return new PromptError(
        "value_smaller_than_min",
        "Value %s smaller than min of %s".formatted(value.asText(), min),
        input.name(),
        info(input, value, true));
  }

  private PromptError tooBig(Input<?> input, JsonNode value, String max) {
    return new PromptError(
        "value_bigger_than_max",
        "Value %s bigger than max of %s".formatted(value.asText(), max),
        input.name(),
        info(input, value, true));
  }

  private @Nullable PromptError notInList(Input.ComboInput combo, JsonNode value) {
    List<String> options = combo.choices().in(catalog);
    if (value.isTextual() && options.contains(value.textValue())) {
      return null;
    }
    boolean many = options.size() > LISTED_OPTIONS;
    ObjectNode extra = info(combo, value, true);
    if (many) {
      extra.putNull("input_config");
    }
    return new PromptError(
        "value_not_in_list",
        "Value not in list",
        "%s: '%s' not in %s"
            .formatted(
                combo.name(),
                shown(value),
                many ? "(list of length " + options.size() + ")" : options),
        extra);
  }

  private static String shown(JsonNode value) {
    return value.isValueNode() ? value.asText() : value.toString();
  }

  private ObjectNode info(Input<?> input, @Nullable JsonNode received, boolean config) {
    ObjectNode extra = JsonNodeFactory.instance.objectNode().put("input_name", input.name());
    if (config) {
      extra.set("input_config", SchemaJson.config(input, catalog));
    }
    if (received != null) {
      extra.set("received_value", received);
    }
    return extra;
  }

  private static Object javaValue(Input<?> input, JsonNode value) {
    return switch (input) {
      case Input.IntInput ignored -> value.bigIntegerValue().longValue();
      case Input.FloatInput ignored -> value.doubleValue();
      case Input.StringInput ignored -> value.textValue();
      case Input.BooleanInput ignored -> value.booleanValue();
      case Input.ComboInput ignored -> value.asText();
      case Input.RemoteImageInput ignored -> value.asText();
      case Input.SocketInput<?> ignored -> value;
    };
  }
}
