package quartet.tokenizer;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.regex.Pattern;

/**
 * The weighting syntax: {@code (more)}, {@code ((much more))}, {@code (exactly:1.3)}, {@code \(}
 * for a plain parenthesis. Source: ComfyUI {@code token_weights} and {@code parse_parentheses}
 * (behaviour).
 */
final class PromptWeights {
  /** What one pair of parentheses multiplies by. */
  private static final double EMPHASIS = 1.1;

  /** Deeper nesting is taken as plain text; no person writes it and recursion has an end. */
  private static final int MAX_DEPTH = 200;

  /** Stand for escaped parentheses while parsing; a prompt's own control characters go anyway. */
  private static final String ESCAPED_OPEN = "\u0000\u0002";

  private static final String ESCAPED_CLOSE = "\u0000\u0001";

  private static final Pattern PYTHON_FLOAT =
      Pattern.compile(
          "\\s*[+-]?(\\d+(_\\d+)*\\.?(\\d+(_\\d+)*)?|\\.\\d+(_\\d+)*)([eE][+-]?\\d+(_\\d+)*)?\\s*");

  private PromptWeights() {}

  /** Text that weighs the same throughout. */
  record Segment(String text, double weight) {}

  static List<Segment> parse(String prompt) {
    List<Segment> segments = new ArrayList<>();
    parse(escape(prompt), 1.0, 0, segments);
    return segments.stream()
        .map(segment -> new Segment(unescape(segment.text()), segment.weight()))
        .toList();
  }

  private static void parse(String text, double weight, int depth, List<Segment> out) {
    for (String group : groups(text)) {
      boolean parenthesised =
          group.length() >= 2 && group.startsWith("(") && group.endsWith(")") && depth < MAX_DEPTH;
      if (!parenthesised) {
        out.add(new Segment(group, weight));
        continue;
      }
      String inner = group.substring(1, group.length() - 1);
      double innerWeight = weight * EMPHASIS;
      int colon = inner.lastIndexOf(':');
      if (colon > 0) {
        OptionalDouble number = number(inner.substring(colon + 1));
        if (number.isPresent()) {
          innerWeight = number.getAsDouble();
          inner = inner.substring(0, colon);
        }
      }
      parse(inner, innerWeight, depth + 1, out);
    }
  }

  /** Top-level pieces: {@code a (b (c)) d} has three. Unbalanced text stays one piece. */
  private static List<String> groups(String text) {
    List<String> groups = new ArrayList<>();
    StringBuilder current = new StringBuilder();
    int depth = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c == '(') {
        if (depth == 0 && !current.isEmpty()) {
          groups.add(current.toString());
          current.setLength(0);
        }
        depth++;
      }
      current.append(c);
      if (c == ')') {
        depth--;
        if (depth == 0) {
          groups.add(current.toString());
          current.setLength(0);
        }
      }
    }
    if (!current.isEmpty()) {
      groups.add(current.toString());
    }
    return groups;
  }

  /** What Python's {@code float()} would read; its "nan" and "inf" are words here. */
  private static OptionalDouble number(String text) {
    return PYTHON_FLOAT.matcher(text).matches()
        ? OptionalDouble.of(Double.parseDouble(text.strip().replace("_", "")))
        : OptionalDouble.empty();
  }

  private static String escape(String text) {
    return text.replace("\\)", ESCAPED_CLOSE).replace("\\(", ESCAPED_OPEN);
  }

  private static String unescape(String text) {
    return text.replace(ESCAPED_CLOSE, ")").replace(ESCAPED_OPEN, "(");
  }
}
