package quartet.engine.exec;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;

/** Inputs as an error shows them: numbers, texts and flags as they are, of the rest the kind. */
final class Described {
  private Described() {}

  static ObjectNode inputs(Map<String, List<Object>> inputs) {
    ObjectNode described = JsonNodeFactory.instance.objectNode();
    inputs.forEach(
        (name, values) -> {
          ArrayNode list = described.putArray(name);
          values.forEach(value -> add(list, value));
        });
    return described;
  }

  private static void add(ArrayNode list, Object value) {
    switch (value) {
      case Long number -> list.add(number);
      case Double number -> list.add(number);
      case Boolean flag -> list.add(flag);
      case String text -> list.add(text);
      default -> list.add(value.getClass().getSimpleName());
    }
  }
}
