package quartet.rng;

/**
 * PyTorch's CPU generator: {@code torch.randn} of float32 with the same seed and the same order of
 * draws gives the same bits (on a build with AVX2 kernels, which is any common x86 server).
 *
 * <p>Thread: one at a time.
 *
 * <p>Source: PyTorch {@code at::CPUGeneratorImpl}, {@code normal_fill} and {@code
 * normal_distribution<double>}.
 */
public final class TorchGenerator {
  /** Below this many numbers PyTorch draws one at a time, in float64. */
  private static final int VECTOR_LENGTH = 16;

  private static final double TWO_PI = 2 * Math.PI;

  private final Mt19937 engine;
  private double cached;
  private boolean hasCached;

  /**
   * As {@code manual_seed}.
   *
   * @param seed unsigned; only the low 32 bits matter
   */
  public TorchGenerator(long seed) {
    engine = new Mt19937(seed);
  }

  /**
   * The next {@code count} numbers of mean 0 and variance 1.
   *
   * @param count how many; fewer than 16 are drawn in another way, as PyTorch does
   */
  public float[] randn(int count) {
    return count < VECTOR_LENGTH ? drawSingly(count) : drawInBlocks(count);
  }

  private float[] drawInBlocks(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = engine.nextFloat();
    }
    for (int i = 0; i + VECTOR_LENGTH <= count; i += VECTOR_LENGTH) {
      BoxMullerAvx2.transform(values, i);
    }
    if (count % VECTOR_LENGTH != 0) {
      // The last 16 are drawn anew: some of the last whole block is overwritten.
      int at = count - VECTOR_LENGTH;
      for (int i = at; i < count; i++) {
        values[i] = engine.nextFloat();
      }
      BoxMullerAvx2.transform(values, at);
    }
    return values;
  }

  private float[] drawSingly(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (float) nextNormal();
    }
    return values;
  }

  private double nextNormal() {
    if (hasCached) {
      hasCached = false;
      return cached;
    }
    double u1 = engine.nextDouble();
    double u2 = engine.nextDouble();
    double radius = Math.sqrt(-2 * Math.log1p(-u2));
    double angle = TWO_PI * u1;
    cached = radius * Math.sin(angle);
    hasCached = true;
    return radius * Math.cos(angle);
  }
}
