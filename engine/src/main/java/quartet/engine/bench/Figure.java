package quartet.engine.bench;

/**
 * One measured line.
 *
 * @param work what was done
 * @param milliseconds of one time, the median
 * @param rate TFLOP/s, GB/s or times per second, as {@code unit} says
 * @param share of the ceiling of that unit; NaN where there is none
 */
public record Figure(String work, double milliseconds, double rate, String unit, double share) {
  /** A line of a Markdown table with four columns. */
  public String markdown() {
    return "| %s | %s | %s %s | %s |"
        .formatted(
            work,
            milliseconds < 1
                ? "%.1f µs".formatted(milliseconds * 1000)
                : "%.2f ms".formatted(milliseconds),
            rate < 100 ? "%.1f".formatted(rate) : "%.0f".formatted(rate),
            unit,
            Double.isNaN(share) ? "–" : "%.2f".formatted(share));
  }
}
