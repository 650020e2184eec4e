package quartet.testkit;

/**
 * How far apart two numbers may be: {@code |actual - expected| <= absolute + relative *
 * |expected|}.
 */
public record Tolerance(double absolute, double relative) {
  /** Every bit the same, but any NaN equals any NaN. */
  public static final Tolerance EXACT = new Tolerance(0, 0);

  /** The same bound for both. */
  public static Tolerance of(double bound) {
    return new Tolerance(bound, bound);
  }

  boolean accepts(float actual, float expected) {
    if (Float.isNaN(expected) || Float.isNaN(actual)) {
      return Float.isNaN(expected) && Float.isNaN(actual);
    }
    if (Float.isInfinite(expected) || Float.isInfinite(actual)) {
      return actual == expected;
    }
    return Math.abs((double) actual - expected) <= absolute + relative * Math.abs(expected);
  }
}
