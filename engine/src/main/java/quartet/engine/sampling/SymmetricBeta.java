package quartet.engine.sampling;

/**
 * The inverse of the regularised incomplete beta function {@code I_x(a, a)}.
 *
 * <p>Structure: the continued fraction of the incomplete beta function, evaluated by Lentz's
 * method, inside a bisection. The two parameters are equal, so {@code I_(1/2) = 1/2} gives the
 * normalising constant and no gamma function is needed. Error: below 1e-13; about 55 evaluations a
 * call.
 *
 * <p>Source: DLMF 8.17.22 (continued fraction), Lentz 1976, Thompson and Barnett 1986.
 */
final class SymmetricBeta {
  private static final double TINY = 1e-300;
  private static final int MAX_TERMS = 500;

  private final double a;
  private final double whole;

  SymmetricBeta(double a) {
    this.a = a;
    this.whole = 2 * incomplete(0.5);
  }

  /** The x in [0, 1] below which a share of {@code probability} lies. */
  double inverse(double probability) {
    if (probability <= 0) {
      return 0;
    }
    if (probability >= 1) {
      return 1;
    }
    if (probability == 0.5) {
      // Exact by symmetry; a schedule rounds the middle, a tie, half to even.
      return 0.5;
    }
    double low = 0;
    double high = 1;
    double middle = 0.5;
    while (middle != low && middle != high) {
      if (regularised(middle) < probability) {
        low = middle;
      } else {
        high = middle;
      }
      middle = low + (high - low) / 2;
    }
    return high;
  }

  private double regularised(double x) {
    // The fraction converges fast in the lower half; the upper half is its mirror image.
    return x <= 0.5 ? incomplete(x) / whole : 1 - incomplete(1 - x) / whole;
  }

  /** Not normalised, for x up to 1/2. */
  private double incomplete(double x) {
    double b = a;
    double front = Math.pow(x, a) * Math.pow(1 - x, b) / a;
    double c = 1;
    double d = 1 / nonZero(1 - (a + b) * x / (a + 1));
    double fraction = d;
    for (int m = 1; m < MAX_TERMS; m++) {
      double even = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m));
      d = 1 / nonZero(1 + even * d);
      c = nonZero(1 + even / c);
      fraction *= d * c;
      double odd = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1));
      d = 1 / nonZero(1 + odd * d);
      c = nonZero(1 + odd / c);
      double factor = d * c;
      fraction *= factor;
      if (Math.abs(factor - 1) < Math.ulp(1.0)) {
        break;
      }
    }
    return front * fraction;
  }

  private static double nonZero(double value) {
    return Math.abs(value) < TINY ? TINY : value;
  }
}
