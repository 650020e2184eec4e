package quartet.engine.graph;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;

/**
 * One thing that is wrong with a prompt.
 *
 * @param type stable short name, as in {@code docs/compatibility.md}
 * @param message what is wrong, for people
 * @param details where, and with which value
 * @param extraInfo the same for programs
 */
public record PromptError(String type, String message, String details, ObjectNode extraInfo) {
  /** An error without further values. */
  public PromptError(String type, String message, String details) {
    this(type, message, details, JsonNodeFactory.instance.objectNode());
  }

  /** {@code {"type", "message", "details", "extra_info"}}. */
  public ObjectNode toJson() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("type", type);
    json.put("message", message);
    json.put("details", details);
    json.set("extra_info", extraInfo);
    return json;
  }
}
