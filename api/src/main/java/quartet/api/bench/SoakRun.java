package quartet.api.bench;

import java.time.Duration;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.function.Consumer;
import quartet.errors.EngineException;

/**
 * Keeps all devices of a server busy for a long time and watches what grows. The first fifth is
 * warm-up: code is compiled, pools fill; slopes are of the rest.
 */
public final class SoakRun {
  private static final double MEGABYTE = 1e6;
  private static final double WARM_UP = 0.2;

  private final ServerClient client;
  private final LoadRun load;

  /** A soak of this server with this load. */
  public SoakRun(ServerClient client, LoadRun load) {
    this.client = client;
    this.load = load;
  }

  /**
   * A look at the server.
   *
   * @param minutes since the start
   * @param live heap that was in use after the last collection
   */
  public record Look(
      double minutes,
      double rss,
      double anonymous,
      double heap,
      double live,
      double threads,
      double files) {}

  /**
   * What came out.
   *
   * @param failures texts of what went wrong, each once
   */
  public record Result(
      double minutes, long prompts, long failed, List<String> failures, List<Look> looks) {
    /** Copies the lists. */
    public Result {
      failures = List.copyOf(failures);
      looks = List.copyOf(looks);
    }

    private List<Look> settled() {
      return looks.stream().filter(look -> look.minutes() >= minutes * WARM_UP).toList();
    }

    private String line(String what, double scale, java.util.function.ToDoubleFunction<Look> of) {
      List<Look> later = settled();
      double first = later.isEmpty() ? 0 : of.applyAsDouble(later.getFirst());
      double last = later.isEmpty() ? 0 : of.applyAsDouble(later.getLast());
      double perHour =
          60
              * Slope.of(
                  later.stream()
                      .map(look -> new Slope.Point(look.minutes(), of.applyAsDouble(look)))
                      .toList());
      return String.format(
          Locale.ROOT,
          "%s: %.0f -> %.0f, slope %+.1f per hour",
          what,
          first / scale,
          last / scale,
          perHour / scale);
    }

    /** As lines for people. */
    public List<String> lines() {
      List<String> lines = new ArrayList<>();
      lines.add(
          String.format(
              Locale.ROOT,
              "%d prompts in %.1f min (%.0f/h), %d failed",
              prompts,
              minutes,
              prompts / minutes * 60,
              failed));
      failures.forEach(text -> lines.add("  failure: " + text));
      lines.add(line("RSS MB", MEGABYTE, Look::rss));
      lines.add(line("RSS without mapped files MB", MEGABYTE, Look::anonymous));
      lines.add(line("used heap MB", MEGABYTE, Look::heap));
      lines.add(line("heap after collections MB", MEGABYTE, Look::live));
      lines.add(line("threads", 1, Look::threads));
      lines.add(line("open files", 1, Look::files));
      return lines;
    }
  }

  /**
   * Runs.
   *
   * @throws EngineException if the first round fails: the same prompt would fail for hours
   * @param atOnce prompts in one round; the next round begins when all have their pictures
   * @param progress hears of each look
   */
  public Result run(Duration length, int atOnce, Consumer<Look> progress) {
    long start = System.nanoTime();
    long prompts = load.burst(Collections.nCopies(atOnce, null)).prompts();
    long failed = 0;
    List<String> failures = new ArrayList<>();
    List<Look> looks = new ArrayList<>();
    double lastLook = -1;
    while (minutes(start) < length.toMillis() / 60_000.0) {
      try {
        prompts += load.burst(Collections.nCopies(atOnce, null)).prompts();
      } catch (EngineException e) {
        failed++;
        String text = String.valueOf(e.getMessage());
        if (!failures.contains(text) && failures.size() < 20) {
          failures.add(text);
        }
      }
      if (minutes(start) - lastLook >= 0.1) {
        lastLook = minutes(start);
        Look look = look(lastLook);
        looks.add(look);
        progress.accept(look);
      }
    }
    return new Result(minutes(start), prompts, failed, failures, looks);
  }

  private static double minutes(long start) {
    return (System.nanoTime() - start) / 60e9;
  }

  private Look look(double minutes) {
    Scrape now = Scrape.of(client);
    return new Look(
        minutes,
        now.sum("quartet_process_resident_bytes"),
        now.sum("quartet_process_anonymous_bytes"),
        now.sum("quartet_process_heap_bytes"),
        now.sum("quartet_process_heap_after_gc_bytes"),
        now.sum("quartet_process_threads"),
        now.sum("quartet_process_open_files"));
  }
}
