package quartet.api.bench;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import quartet.api.wire.Json;

/**
 * Two servers after the same prompts.
 *
 * @param workflow its file's name
 */
public record Comparison(String workflow, Side ours, Side theirs) {
  private static final double SECONDS_PER_HOUR = 3600;

  /** How many times as many pictures as the other this server makes in the same time. */
  public double speedUp() {
    double there = picturesPerHour(theirs);
    return there == 0 ? Double.NaN : picturesPerHour(ours) / there;
  }

  private Likeness likeness() {
    return Likeness.of(ours.results(), theirs.results());
  }

  private static double picturesPerHour(Side side) {
    return side.pictures() / side.seconds() * SECONDS_PER_HOUR;
  }

  /** As Markdown. */
  public String markdown() {
    StringBuilder text = new StringBuilder("# Two servers, the same prompts\n\n");
    text.append(
        "%s, %d prompts posted at the same time, one server after the other.\n\n"
            .formatted(workflow, ours.results().size()));
    text.append("| | %s | %s |\n|---|---|---|\n".formatted(ours.server(), theirs.server()));
    row(text, "version", Side::version);
    row(text, "devices", side -> String.join(", ", side.devices()));
    row(text, "first prompt, models loaded", side -> seconds(side.firstSeconds()));
    row(text, "to the last picture", side -> seconds(side.seconds()));
    row(text, "pictures", side -> Integer.toString(side.pictures()));
    row(text, "pictures/h", side -> "%.0f".formatted(picturesPerHour(side)));
    row(text, "a prompt, median", side -> seconds(side.latencies().quantile(0.5) / 1000));
    row(text, "a prompt, p90", side -> seconds(side.latencies().quantile(0.9) / 1000));
    row(text, "a prompt, p99", side -> seconds(side.latencies().quantile(0.99) / 1000));
    row(text, "failed", side -> Long.toString(side.failed()));
    text.append("\nThe first makes ");
    text.append(String.format(Locale.ROOT, "%.2f times as many pictures an hour.\n", speedUp()));
    text.append("\nPictures: ").append(likeness()).append(".\n");
    for (Side side : List.of(ours, theirs)) {
      side.failures()
          .forEach(
              reason -> text.append("\nFailed at %s: %s\n".formatted(side.server(), cell(reason))));
    }
    return text.toString();
  }

  private void row(StringBuilder text, String name, Function<Side, String> value) {
    text.append(
        "| %s | %s | %s |\n".formatted(name, cell(value.apply(ours)), cell(value.apply(theirs))));
  }

  private static String seconds(double value) {
    return String.format(Locale.ROOT, "%.2f s", value);
  }

  private static String cell(String text) {
    return text.replace("|", "\\|").replace('\n', ' ');
  }

  /** As JSON. */
  public ObjectNode json() {
    ObjectNode json = Json.object().put("workflow", workflow);
    json.set("this", json(ours));
    json.set("other", json(theirs));
    if (Double.isFinite(speedUp())) {
      json.put("speed_up", speedUp());
    }
    Likeness likeness = likeness();
    ObjectNode pictures = json.putObject("pictures");
    pictures
        .put("pairs", likeness.pairs())
        .put("equal", likeness.equal())
        .put("not_comparable", likeness.apart());
    likeness.decibels().forEach(pictures.putArray("psnr_db")::add);
    return json;
  }

  private static ObjectNode json(Side side) {
    ObjectNode json = Json.object().put("server", side.server()).put("version", side.version());
    side.devices().forEach(json.putArray("devices")::add);
    json.put("prompts", side.results().size())
        .put("first_seconds", side.firstSeconds())
        .put("seconds", side.seconds())
        .put("pictures", side.pictures())
        .put("pictures_per_hour", picturesPerHour(side))
        .put("failed", side.failed());
    ObjectNode latency = json.putObject("latency_ms");
    for (double share : new double[] {0.5, 0.9, 0.99}) {
      latency.put("p%.0f".formatted(100 * share), side.latencies().quantile(share));
    }
    side.failures().forEach(json.putArray("failures")::add);
    return json;
  }
}
