package quartet.api.bench;

import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import quartet.errors.EngineException;

/**
 * What {@code /metrics} said at one moment. Source of the form: Prometheus's text exposition format
 * 0.0.4.
 */
public record Scrape(List<Sample> samples) {
  private static final Pattern LINE = Pattern.compile("([a-zA-Z_:][\\w:]*)(?:\\{(.*)})? (\\S+)");
  private static final Pattern LABEL = Pattern.compile("(\\w+)=\"((?:[^\"\\\\]|\\\\.)*)\"");

  /** Copies the list. */
  public Scrape {
    samples = List.copyOf(samples);
  }

  /** One line. */
  public record Sample(String name, Map<String, String> labels, double value) {
    /** Copies the map. */
    public Sample {
      labels = Map.copyOf(labels);
    }
  }

  /**
   * Asks a server.
   *
   * @throws EngineException if it keeps no metrics
   */
  public static Scrape of(ServerClient client) {
    ServerClient.Answer answer = client.get("/metrics");
    if (answer.status() != 200) {
      throw new EngineException(
          BenchError.NO_SERVER,
          "/metrics answers %d; this measurement needs a Quartet server without --no-metrics"
              .formatted(answer.status()));
    }
    return parse(new String(answer.body(), StandardCharsets.UTF_8));
  }

  /** Reads the text form; lines that are comments or not understood are left out. */
  public static Scrape parse(String text) {
    List<Sample> samples = new ArrayList<>();
    for (String line : text.split("\n", -1)) {
      Matcher matcher = LINE.matcher(line);
      if (!line.startsWith("#") && matcher.matches()) {
        Map<String, String> labels = new HashMap<>();
        String inside = matcher.group(2) == null ? "" : matcher.group(2);
        for (Matcher label = LABEL.matcher(inside); label.find(); ) {
          labels.put(label.group(1), label.group(2));
        }
        String value = matcher.group(3).replace("+Inf", "Infinity");
        samples.add(new Sample(matcher.group(1), labels, Double.parseDouble(value)));
      }
    }
    return new Scrape(samples);
  }

  /** The sum over all lines of a name that have this label value. */
  public double sum(String name, String label, String value) {
    return samples.stream()
        .filter(one -> one.name().equals(name) && value.equals(one.labels().get(label)))
        .mapToDouble(Sample::value)
        .sum();
  }

  /** The sum over all lines of a name; 0 if there is none. */
  public double sum(String name) {
    return samples.stream().filter(one -> one.name().equals(name)).mapToDouble(Sample::value).sum();
  }

  /** Whether a name is there. */
  public boolean has(String name) {
    return samples.stream().anyMatch(one -> one.name().equals(name));
  }
}
