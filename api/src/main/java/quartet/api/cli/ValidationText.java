package quartet.api.cli;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import quartet.engine.graph.Validation;

/** What is wrong with a workflow, in lines for a terminal. */
final class ValidationText {
  private ValidationText() {}

  /** One line per error, empty if there is none. */
  static String of(Validation validation) {
    StringBuilder text = new StringBuilder();
    if (validation instanceof Validation.Invalid invalid) {
      text.append(invalid.error().message());
      if (!invalid.error().details().isEmpty() && invalid.nodeErrors().isEmpty()) {
        text.append(": ").append(invalid.error().details());
      }
    }
    for (Map.Entry<String, JsonNode> node : validation.nodeErrors().properties()) {
      for (JsonNode error : node.getValue().path("errors")) {
        text.append(text.isEmpty() ? "" : "\n")
            .append("  node ")
            .append(node.getKey())
            .append(" (")
            .append(node.getValue().path("class_type").asText())
            .append("): ")
            .append(error.path("message").asText())
            .append(": ")
            .append(error.path("details").asText());
      }
    }
    return text.toString();
  }
}
