package quartet.image;

/**
 * For each target pixel along one axis: which source pixels count, and how much. All methods are
 * separable, so a resize is two passes of this.
 *
 * @param sources source indices per target
 * @param weights as many weights per target
 */
@SuppressWarnings("ArrayRecordComponent") // lives for one call
record Taps(int[][] sources, float[][] weights) {
  private static final double CUBIC_A = -0.75;
  private static final float SMOOTH_A = -0.5f;
  private static final int LANCZOS_LOBES = 3;

  static Taps of(ResizeMethod method, int from, int to) {
    int[][] sources = new int[to][];
    float[][] weights = new float[to][];
    double scale = (double) from / to;
    for (int i = 0; i < to; i++) {
      switch (method) {
        case NEAREST_EXACT -> {
          // In float32 as PyTorch does: in double, other pixels are chosen where the product is
          // whole.
          float middle = ((float) from / to) * (i + 0.5f);
          sources[i] = new int[] {Math.min((int) middle, from - 1)};
          weights[i] = new float[] {1f};
        }
        case BILINEAR -> {
          double at = Math.max(0, (i + 0.5) * scale - 0.5);
          int low = (int) at;
          float fraction = (float) (at - low);
          sources[i] = new int[] {low, Math.min(low + 1, from - 1)};
          weights[i] = new float[] {1f - fraction, fraction};
        }
        case AREA -> {
          int start = (int) ((long) i * from / to);
          int end = (int) Math.ceilDiv((i + 1L) * from, to);
          sources[i] = range(start, end);
          weights[i] = new float[end - start];
          java.util.Arrays.fill(weights[i], 1f / (end - start));
        }
        case BICUBIC -> {
          double at = (i + 0.5) * scale - 0.5;
          int low = (int) Math.floor(at);
          double fraction = at - low;
          sources[i] = new int[4];
          weights[i] = new float[4];
          for (int k = 0; k < 4; k++) {
            sources[i][k] = Math.clamp(low - 1 + k, 0, from - 1);
            weights[i][k] = (float) cubic(Math.abs(fraction + 1 - k));
          }
        }
        case SMOOTH_BICUBIC -> smoothBicubic(i, (float) from / to, from, sources, weights);
        case LANCZOS -> lanczos(i, scale, from, sources, weights);
      }
    }
    return new Taps(sources, weights);
  }

  private static void lanczos(int i, double scale, int from, int[][] sources, float[][] weights) {
    double stretch = Math.max(scale, 1);
    double support = LANCZOS_LOBES * stretch;
    double centre = (i + 0.5) * scale;
    int start = Math.max(0, (int) (centre - support + 0.5));
    int end = Math.min(from, (int) (centre + support + 0.5));
    sources[i] = range(start, end);
    double[] exact = new double[end - start];
    double sum = 0;
    for (int k = 0; k < exact.length; k++) {
      exact[k] = windowedSinc((start + k - centre + 0.5) / stretch);
      sum += exact[k];
    }
    weights[i] = new float[exact.length];
    for (int k = 0; k < exact.length; k++) {
      weights[i][k] = (float) (exact[k] / sum);
    }
  }

  /** In float32 as PyTorch does: in double, other levels come out where a number is rounded. */
  private static void smoothBicubic(
      int i, float scale, int from, int[][] sources, float[][] weights) {
    float stretch = Math.max(scale, 1f);
    float support = 2f * stretch;
    float centre = scale * (i + 0.5f);
    int start = Math.max(0, (int) (centre - support + 0.5f));
    int end = Math.min(from, (int) (centre + support + 0.5f));
    sources[i] = range(start, end);
    weights[i] = new float[end - start];
    float sum = 0;
    for (int k = 0; k < weights[i].length; k++) {
      float x = Math.abs((start + k - centre + 0.5f) / stretch);
      float near = ((SMOOTH_A + 2f) * x - (SMOOTH_A + 3f)) * x * x + 1f;
      float far = (((x - 5f) * x + 8f) * x - 4f) * SMOOTH_A;
      weights[i][k] = x < 1f ? near : x < 2f ? far : 0f;
      sum += weights[i][k];
    }
    for (int k = 0; k < weights[i].length; k++) {
      weights[i][k] /= sum;
    }
  }

  private static double cubic(double x) {
    if (x <= 1) {
      return ((CUBIC_A + 2) * x - (CUBIC_A + 3)) * x * x + 1;
    }
    return x < 2 ? ((CUBIC_A * x - 5 * CUBIC_A) * x + 8 * CUBIC_A) * x - 4 * CUBIC_A : 0;
  }

  private static double windowedSinc(double x) {
    return Math.abs(x) < LANCZOS_LOBES ? sinc(x) * sinc(x / LANCZOS_LOBES) : 0;
  }

  private static double sinc(double x) {
    return x == 0 ? 1 : Math.sin(Math.PI * x) / (Math.PI * x);
  }

  private static int[] range(int start, int end) {
    int[] indices = new int[end - start];
    for (int k = 0; k < indices.length; k++) {
      indices[k] = start + k;
    }
    return indices;
  }
}
