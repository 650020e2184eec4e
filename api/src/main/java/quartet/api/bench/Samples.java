package quartet.api.bench;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;

/**
 * Times of one kind of call, in milliseconds.
 *
 * <p>Thread: any.
 */
public final class Samples {
  private final List<Double> millis = new ArrayList<>();

  /** One more. */
  public synchronized void add(double value) {
    millis.add(value);
  }

  /** How many. */
  public synchronized int count() {
    return millis.size();
  }

  /** The value below which that share lies; 0 without samples. */
  public synchronized double quantile(double share) {
    if (millis.isEmpty()) {
      return 0;
    }
    List<Double> sorted = millis.stream().sorted().toList();
    return sorted.get((int) Math.ceil(share * sorted.size()) - (share > 0 ? 1 : 0));
  }

  /** For example {@code median 1.2 ms, p99 3.4 ms (200 calls)}. */
  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "median %.1f ms, p99 %.1f ms (%d calls)",
        quantile(0.5),
        quantile(0.99),
        count());
  }
}
