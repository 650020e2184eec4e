package quartet.bench;

/**
 * Floating-point operations by kind, 2 per multiply-accumulate; what a roofline counts. Norms and
 * element-wise work are left out, as in docs/performance.md.
 */
final class OpCount {
  private double convolution;
  private double linear;
  private double attention;

  void addConvolution(double flop) {
    convolution += flop;
  }

  void addLinear(double flop) {
    linear += flop;
  }

  void addAttention(double flop) {
    attention += flop;
  }

  double total() {
    return convolution + linear + attention;
  }

  /** {@code 1.607 TFLOP (52 % convolution, 32 % linear, 16 % attention)}. */
  @Override
  public String toString() {
    double all = Math.max(1, total());
    return String.format(
        java.util.Locale.ROOT,
        "%.4g GFLOP (%.0f %% convolution, %.0f %% linear, %.0f %% attention)",
        total() / 1e9,
        100 * convolution / all,
        100 * linear / all,
        100 * attention / all);
  }
}
