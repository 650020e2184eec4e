package quartet.engine.graph;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.BooleanNode;
import com.fasterxml.jackson.databind.node.DoubleNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.TextNode;
import java.math.BigDecimal;
import java.math.BigInteger;
import java.util.Locale;
import java.util.regex.Pattern;
import quartet.engine.node.Input;

/**
 * Turns a constant of a workflow into the type its input wants, by Python's rules, because
 * workflows rely on them: {@code "12"} is an INT, {@code 1.9} becomes 1, {@code "false"} is a true
 * BOOLEAN. Source: docs/compatibility.md, "Conversion of constants".
 */
final class ConstantConverter {
  private static final Pattern GROUP = Pattern.compile("(?<=\\d)_(?=\\d)");
  private static final Pattern WHOLE = Pattern.compile("[+-]?\\d+");
  private static final Pattern NUMBER = Pattern.compile("[+-]?(\\d+\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?");

  /** Longest number in a text. Source: CPython's default int_max_str_digits. */
  private static final int MAX_DIGITS = 4300;

  private ConstantConverter() {}

  /** A constant that its input cannot take. */
  static final class NotConvertible extends Exception {
    private static final long serialVersionUID = 1L;

    NotConvertible(String message) {
      super(message);
    }
  }

  /** The constant as the input wants it, in JSON so that history shows what ran. */
  static JsonNode convert(Input<?> input, JsonNode constant) throws NotConvertible {
    return switch (input) {
      case Input.IntInput ignored -> JsonNodeFactory.instance.numberNode(integer(constant));
      case Input.FloatInput ignored -> fraction(constant);
      case Input.StringInput ignored -> TextNode.valueOf(text(constant));
      case Input.BooleanInput ignored -> BooleanNode.valueOf(truth(constant));
      case Input.ComboInput ignored -> constant;
      case Input.RemoteImageInput ignored -> constant;
      case Input.SocketInput<?> ignored -> constant;
    };
  }

  private static BigInteger integer(JsonNode constant) throws NotConvertible {
    if (constant.isIntegralNumber()) {
      return constant.bigIntegerValue();
    }
    if (constant.isNumber()) {
      double value = constant.doubleValue();
      if (Double.isNaN(value) || Double.isInfinite(value)) {
        throw new NotConvertible("cannot turn " + constant + " into a whole number");
      }
      return new BigDecimal(value).toBigInteger();
    }
    if (constant.isBoolean()) {
      return constant.booleanValue() ? BigInteger.ONE : BigInteger.ZERO;
    }
    if (constant.isTextual()) {
      String digits = withoutGroups(constant.textValue());
      if (digits.length() <= MAX_DIGITS && WHOLE.matcher(digits).matches()) {
        return new BigInteger(digits);
      }
      throw new NotConvertible("'" + constant.textValue() + "' is not a whole number");
    }
    throw new NotConvertible(kindOf(constant) + " is not a whole number");
  }

  private static JsonNode fraction(JsonNode constant) throws NotConvertible {
    if (constant.isDouble() || constant.isFloat() || constant.isBigDecimal()) {
      return constant;
    }
    if (constant.isNumber()) {
      return DoubleNode.valueOf(constant.doubleValue());
    }
    if (constant.isBoolean()) {
      return DoubleNode.valueOf(constant.booleanValue() ? 1 : 0);
    }
    if (constant.isTextual()) {
      String word = withoutGroups(constant.textValue()).toLowerCase(Locale.ROOT);
      return switch (word) {
        case "nan", "+nan", "-nan" -> DoubleNode.valueOf(Double.NaN);
        case "inf", "+inf", "infinity", "+infinity" -> DoubleNode.valueOf(Double.POSITIVE_INFINITY);
        case "-inf", "-infinity" -> DoubleNode.valueOf(Double.NEGATIVE_INFINITY);
        default -> {
          if (word.length() > MAX_DIGITS || !NUMBER.matcher(word).matches()) {
            throw new NotConvertible("'" + constant.textValue() + "' is not a number");
          }
          yield DoubleNode.valueOf(Double.parseDouble(word));
        }
      };
    }
    throw new NotConvertible(kindOf(constant) + " is not a number");
  }

  /** Python allows one underscore between two digits. */
  private static String withoutGroups(String text) {
    return GROUP.matcher(text.strip()).replaceAll("");
  }

  private static String text(JsonNode constant) {
    if (constant.isTextual()) {
      return constant.textValue();
    }
    if (constant.isBoolean()) {
      return constant.booleanValue() ? "True" : "False";
    }
    return constant.isNull() ? "None" : constant.toString();
  }

  private static boolean truth(JsonNode constant) {
    return switch (constant.getNodeType()) {
      case BOOLEAN -> constant.booleanValue();
      case NUMBER -> constant.doubleValue() != 0;
      case STRING -> !constant.textValue().isEmpty();
      case NULL, MISSING -> false;
      case ARRAY, OBJECT -> !constant.isEmpty();
      case BINARY, POJO -> true;
    };
  }

  private static String kindOf(JsonNode constant) {
    return switch (constant.getNodeType()) {
      case NULL, MISSING -> "null";
      case ARRAY -> "a list";
      case OBJECT -> "an object";
      case BINARY, POJO, BOOLEAN, NUMBER, STRING -> constant.toString();
    };
  }
}
