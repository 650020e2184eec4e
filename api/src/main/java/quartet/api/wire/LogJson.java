package quartet.api.wire;

import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import quartet.api.logs.LogTail;

/** Log lines as {@code /internal/logs/raw} and the {@code logs} event show them. */
public final class LogJson {
  /** A terminal's usual size: clients lay their log window out by it. */
  private static final int COLUMNS = 80;

  private static final int ROWS = 24;

  private LogJson() {}

  /** {@code {"entries": [{"t", "m"}], "size": {"cols", "rows"}}}. */
  public static ObjectNode of(List<LogTail.Line> lines) {
    ObjectNode json = Json.object();
    ArrayNode entries = json.putArray("entries");
    lines.forEach(
        line -> entries.addObject().put("t", line.time().toString()).put("m", line.text()));
    json.putObject("size").put("cols", COLUMNS).put("rows", ROWS);
    return json;
  }

  /** All lines as one text. */
  public static String text(List<LogTail.Line> lines) {
    StringBuilder text = new StringBuilder();
    lines.forEach(line -> text.append(line.time()).append(" - ").append(line.text()));
    return text.toString();
  }
}
