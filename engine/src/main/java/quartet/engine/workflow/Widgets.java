package quartet.engine.workflow;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import quartet.engine.node.Catalog;
import quartet.engine.node.Input;
import quartet.engine.node.NodeSchema;

/**
 * The values of a node's widgets by name. The editor saves them by position, in the order of the
 * schema, with widgets of its own in between.
 */
final class Widgets {
  /** What the editor does with a seed after each run; the widget after an INT. */
  private static final Set<String> CONTROLS =
      Set.of("fixed", "increment", "decrement", "randomize");

  private static final Set<String> SEEDS = Set.of("seed", "noise_seed");

  private Widgets() {}

  static Map<String, JsonNode> of(NodeSchema schema, JsonNode saved, Catalog catalog) {
    Map<String, JsonNode> values = new LinkedHashMap<>();
    int next = 0;
    for (Input<?> input : schema.inputs().toList()) {
      if (input instanceof Input.SocketInput<?>) {
        continue;
      }
      Optional<JsonNode> value =
          Optional.ofNullable(saved.isObject() ? saved.get(input.name()) : saved.get(next++));
      value.or(() -> byDefault(input, catalog)).ifPresent(known -> values.put(input.name(), known));
      if (saved.isArray() && hasWidgetOfItsOwn(input, saved.path(next))) {
        next++;
      }
    }
    return values;
  }

  private static boolean hasWidgetOfItsOwn(Input<?> input, JsonNode following) {
    return switch (input) {
      case Input.IntInput number ->
          (number.controlAfterGenerate() || SEEDS.contains(number.name()))
              && CONTROLS.contains(following.asText());
      case Input.ComboInput combo -> combo.imageUpload() && following.asText().equals("image");
      case Input.RemoteImageInput ignored -> following.asText().equals("image");
      case Input.FloatInput ignored -> false;
      case Input.StringInput ignored -> false;
      case Input.BooleanInput ignored -> false;
      case Input.SocketInput<?> ignored -> false;
    };
  }

  /** A workflow that was saved before a widget was there. */
  private static Optional<JsonNode> byDefault(Input<?> input, Catalog catalog) {
    return switch (input) {
      case Input.IntInput number ->
          Optional.of(JsonNodeFactory.instance.numberNode(number.defaultValue()));
      case Input.FloatInput number -> Optional.of(DoubleNode.valueOf(number.defaultValue()));
      case Input.StringInput text -> Optional.of(TextNode.valueOf(text.defaultValue()));
      case Input.BooleanInput flag -> Optional.of(BooleanNode.valueOf(flag.defaultValue()));
      case Input.ComboInput combo -> {
        List<String> options = combo.choices().in(catalog);
        yield Optional.ofNullable(combo.defaultValue())
            .or(() -> options.stream().findFirst())
            .map(TextNode::valueOf);
      }
      case Input.RemoteImageInput ignored -> Optional.empty();
      case Input.SocketInput<?> ignored -> Optional.empty();
    };
  }
}
