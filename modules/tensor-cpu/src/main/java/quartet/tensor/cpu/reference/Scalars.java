package quartet.tensor.cpu.reference;

import quartet.tensor.Activation;

/** Functions of one number, in double. */
final class Scalars {
  private static final double TWO_OVER_SQRT_PI = 1.1283791670955126;

  private Scalars() {}

  static double activate(double x, Activation activation) {
    return switch (activation) {
      case NONE -> x;
      case SILU -> x * sigmoid(x);
      case QUICK_GELU -> x * sigmoid(1.702 * x);
      case GELU -> x * 0.5 * erfc(-x * Math.sqrt(0.5));
    };
  }

  private static double sigmoid(double x) {
    return 1 / (1 + Math.exp(-x));
  }

  /**
   * 1 - erf(x). Below 2 by the series of erf, above by the continued fraction of erfc, from its
   * 60th term upwards. Source: Abramowitz and Stegun 1964, 7.1.6 and 7.1.14.
   */
  static double erfc(double x) {
    if (x < 0) {
      return 2 - erfc(-x);
    }
    if (x < 2) {
      double term = x;
      double sum = x;
      for (int n = 1; n < 80; n++) {
        term *= 2 * x * x / (2 * n + 1);
        sum += term;
      }
      return 1 - TWO_OVER_SQRT_PI * Math.exp(-x * x) * sum;
    }
    double fraction = x;
    for (int n = 60; n > 0; n--) {
      fraction = x + (n / 2.0) / fraction;
    }
    return Math.exp(-x * x) * TWO_OVER_SQRT_PI / 2 / fraction;
  }
}
