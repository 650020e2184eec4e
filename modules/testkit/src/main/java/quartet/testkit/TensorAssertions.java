package quartet.testkit;

import quartet.tensor.Shape;

/** Compares blocks of numbers and says where and by how much they differ. */
public final class TensorAssertions {
  private TensorAssertions() {}

  /**
   * Every element within the tolerance.
   *
   * @throws AssertionError with the worst element's index, both numbers and the relative RMS error
   */
  public static void assertClose(
      String what, float[] actual, float[] expected, Tolerance tolerance) {
    if (actual.length != expected.length) {
      throw new AssertionError(
          "%s: expected %d numbers, got %d".formatted(what, expected.length, actual.length));
    }
    int worst = -1;
    int wrong = 0;
    double worstDistance = -1;
    for (int i = 0; i < actual.length; i++) {
      if (tolerance.accepts(actual[i], expected[i])) {
        continue;
      }
      wrong++;
      double distance = Math.abs((double) actual[i] - expected[i]);
      if (!(distance <= worstDistance)) {
        worstDistance = Double.isNaN(distance) ? Double.POSITIVE_INFINITY : distance;
        worst = i;
      }
    }
    if (wrong > 0) {
      throw new AssertionError(
          "%s: %d of %d numbers differ; worst at [%d]: expected %s, got %s; relative RMS %.3g, %s"
              .formatted(
                  what,
                  wrong,
                  actual.length,
                  worst,
                  expected[worst],
                  actual[worst],
                  relativeRms(actual, expected),
                  tolerance));
    }
  }

  /** Shape and every element. */
  public static void assertClose(
      String what,
      Shape actualShape,
      float[] actual,
      Shape expectedShape,
      float[] expected,
      Tolerance tolerance) {
    if (!actualShape.equals(expectedShape)) {
      throw new AssertionError(
          "%s: expected shape %s, got %s".formatted(what, expectedShape, actualShape));
    }
    assertClose(what, actual, expected, tolerance);
  }

  /** {@code sqrt(sum (a - e)^2 / sum e^2)}, in double; 0 for two empty or all-zero blocks. */
  public static double relativeRms(float[] actual, float[] expected) {
    double difference = 0;
    double size = 0;
    for (int i = 0; i < expected.length; i++) {
      double distance = (double) actual[i] - expected[i];
      difference += distance * distance;
      size += (double) expected[i] * expected[i];
    }
    return difference == 0 ? 0 : Math.sqrt(difference / size);
  }

  /** The largest {@code |a - e|}; NaN if any difference is. */
  public static double maxDistance(float[] actual, float[] expected) {
    double largest = 0;
    for (int i = 0; i < expected.length; i++) {
      largest = Math.max(largest, Math.abs((double) actual[i] - expected[i]));
    }
    return largest;
  }
}
