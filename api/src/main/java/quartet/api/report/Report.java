package quartet.api.report;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Collectors;
import quartet.api.wire.Json;

/**
 * A server's test report.
 *
 * @param facts about machine and server, in order
 * @param rows what was tried
 * @param picturesPerHour measured throughput by what was used, for the chart
 */
public record Report(List<Fact> facts, List<Row> rows, List<Bar> picturesPerHour) {
  /** Copies the lists. */
  public Report {
    facts = List.copyOf(facts);
    rows = List.copyOf(rows);
    picturesPerHour = List.copyOf(picturesPerHour);
  }

  /** A fact. */
  public record Fact(String name, String value) {}

  /** How a check went. */
  public enum Verdict {
    /** As it should be. */
    PASS,
    /** Not as it should be. */
    FAIL,
    /** Nothing can be said here; the evidence says why. */
    NOT_MEASURED
  }

  /**
   * A check.
   *
   * @param essential whether the server is of no use without it
   * @param evidence what was seen, with figures
   */
  public record Row(String name, Verdict verdict, boolean essential, String evidence) {}

  /** One bar of a chart. */
  public record Bar(String name, double value) {}

  /** The names of the checks that failed. */
  public List<String> problems() {
    return rows.stream()
        .filter(row -> row.verdict() == Verdict.FAIL)
        .map(row -> row.name() + ": " + row.evidence())
        .toList();
  }

  /** What follows from the rows. */
  public String conclusion() {
    boolean serious =
        rows.stream().anyMatch(row -> row.verdict() == Verdict.FAIL && row.essential());
    String open =
        rows.stream()
            .filter(row -> row.verdict() == Verdict.NOT_MEASURED)
            .map(Row::name)
            .collect(Collectors.joining(", "));
    if (serious) {
      return "serious problems";
    }
    if (!problems().isEmpty()) {
      return "needs work";
    }
    return open.isEmpty()
        ? "fit for production"
        : "nothing against it so far; not measured: " + open;
  }

  /** As JSON. */
  public ObjectNode json() {
    ObjectNode json = Json.object();
    ObjectNode known = json.putObject("facts");
    facts.forEach(fact -> known.put(fact.name(), fact.value()));
    for (Row row : rows) {
      json.withArray("rows")
          .addObject()
          .put("name", row.name())
          .put("verdict", word(row.verdict()))
          .put("evidence", row.evidence());
    }
    Map<String, Double> bars = new TreeMap<>();
    picturesPerHour.forEach(bar -> bars.put(bar.name(), bar.value()));
    json.putPOJO("pictures_per_hour", bars);
    problems().forEach(json.putArray("problems")::add);
    return json.put("conclusion", conclusion());
  }

  /** As Markdown. */
  public String markdown() {
    StringBuilder text = new StringBuilder("# Test report\n\n| | |\n|---|---|\n");
    facts.forEach(
        fact -> text.append("| %s | %s |\n".formatted(cell(fact.name()), cell(fact.value()))));
    text.append("\n| check | result | evidence |\n|---|---|---|\n");
    for (Row row : rows) {
      text.append(
          "| %s | %s | %s |\n"
              .formatted(cell(row.name()), word(row.verdict()), cell(row.evidence())));
    }
    text.append("\nProblems: ");
    text.append(problems().isEmpty() ? "none found." : "");
    problems().forEach(problem -> text.append("\n- ").append(problem));
    return text.append("\n\nConclusion: **").append(conclusion()).append("**\n").toString();
  }

  static String word(Verdict verdict) {
    return switch (verdict) {
      case PASS -> "pass";
      case FAIL -> "FAIL";
      case NOT_MEASURED -> "not measured";
    };
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace('\n', ' ');
  }
}
