package quartet.api.report;

import java.util.Locale;

/** A report as one HTML file that asks nobody for anything: styles and chart are inside. */
public final class ReportPage {
  private static final int BAR = 28;
  private static final int WIDTH = 420;

  private ReportPage() {}

  /** The page. */
  public static String of(Report report) {
    StringBuilder rows = new StringBuilder();
    for (Report.Row row : report.rows()) {
      rows.append(
          "<tr><td>%s</td><td class=\"%s\">%s</td><td>%s</td></tr>\n"
              .formatted(
                  safe(row.name()),
                  row.verdict().name().toLowerCase(Locale.ROOT),
                  Report.word(row.verdict()),
                  safe(row.evidence())));
    }
    StringBuilder facts = new StringBuilder();
    for (Report.Fact fact : report.facts()) {
      facts.append(
          "<tr><th scope=\"row\">%s</th><td>%s</td></tr>\n"
              .formatted(safe(fact.name()), safe(fact.value())));
    }
    return """
        <!doctype html>
        <html lang="en"><head><meta charset="utf-8"><title>Quartet test report</title>
        <style>
        :root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
        table{border-collapse:collapse;width:100%%;margin:1rem 0}td,th{border:1px solid #8886;padding:.3rem .6rem;text-align:left}
        .pass{color:#188038}.fail{color:#d93025;font-weight:bold}.not_measured{color:#80868b}svg text{fill:currentColor}
        </style></head><body>
        <h1>Test report</h1>
        <p>Conclusion: <strong>%s</strong></p>
        <table>%s</table>
        <h2>Pictures per hour</h2>
        %s
        <table><tr><th>check</th><th>result</th><th>evidence</th></tr>
        %s</table>
        </body></html>
        """
        .formatted(safe(report.conclusion()), facts, chart(report), rows);
  }

  private static String chart(Report report) {
    double most = report.picturesPerHour().stream().mapToDouble(Report.Bar::value).max().orElse(1);
    StringBuilder svg = new StringBuilder();
    int y = 0;
    for (Report.Bar bar : report.picturesPerHour()) {
      svg.append(
          String.format(
              Locale.ROOT,
              "<text x=\"0\" y=\"%d\">%s</text><rect x=\"110\" y=\"%d\" width=\"%.0f\" height=\"%d\" fill=\"#4285f4\"/>"
                  + "<text x=\"%.0f\" y=\"%d\">%.0f</text>",
              y + 18,
              safe(bar.name()),
              y + 2,
              bar.value() / most * WIDTH,
              BAR - 6,
              bar.value() / most * WIDTH + 116,
              y + 18,
              bar.value()));
      y += BAR;
    }
    return "<svg role=\"img\" aria-label=\"pictures per hour\" width=\"640\" height=\"%d\">%s</svg>"
        .formatted(y, svg);
  }

  private static String safe(String text) {
    return text.replace("&", "&amp;")
        .replace("<", "&lt;")
        .replace(">", "&gt;")
        .replace("\"", "&quot;");
  }
}
