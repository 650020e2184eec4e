package quartet.engine.fake;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;

/** JSON as tests write it: {@code '} for {@code "}. */
public final class Json {
  private static final ObjectMapper MAPPER = new ObjectMapper();

  private Json() {}

  /** Any value. */
  public static JsonNode value(String text) {
    return parse(text.replace('\'', '"'));
  }

  private static JsonNode parse(String text) {
    try {
      return MAPPER.readTree(text);
    } catch (JsonProcessingException e) {
      throw new IllegalArgumentException(text, e);
    }
  }

  /** An object. */
  public static ObjectNode object(String text) {
    return (ObjectNode) value(text);
  }

  /**
   * The same value as its text reads: whole numbers of any Java type are equal, numbers keep their
   * form.
   */
  public static JsonNode normal(JsonNode any) {
    return parse(any.toString());
  }
}
