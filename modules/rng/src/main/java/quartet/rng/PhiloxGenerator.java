package quartet.rng;

/**
 * PyTorch's CUDA generator on the host: {@code torch.randn(..., device="cuda")} of float32 to about
 * 1e-6 (the GPU's fast logarithm, sine and cosine differ in their last bits).
 *
 * <p>Bound: each draw up to the number of threads that one launch has on the GPU (some 100,000 on
 * small cards), within which every thread makes one number and the result does not depend on the
 * card. Larger draws continue the same rule and are not what a GPU gives.
 *
 * <p>Thread: one at a time.
 *
 * <p>Source: Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3" (Philox4x32-10);
 * PyTorch {@code distribution_nullary_kernel} for the counters; cuRAND {@code curand_normal4} for
 * the Box-Muller transform.
 */
public final class PhiloxGenerator {
  private static final int ROUNDS = 10;
  private static final long M0 = 0xD2511F53L;
  private static final long M1 = 0xCD9E8D57L;
  private static final int W0 = 0x9E3779B9;
  private static final int W1 = 0xBB67AE85;
  private static final long WORD = 0xFFFFFFFFL;

  private static final float TWO_TO_MINUS_32 = 0x1p-32f;

  private static final float TWO_PI_SCALED = (float) (2 * Math.PI * 0x1p-32);

  private final long seed;
  private long call;

  /**
   * A generator at its first call.
   *
   * @param seed all 64 bits count
   */
  public PhiloxGenerator(long seed) {
    this.seed = seed;
  }

  /** The next {@code count} numbers of mean 0 and variance 1. */
  public float[] randn(int count) {
    float[] values = new float[count];
    for (int thread = 0; thread < count; thread++) {
      values[thread] = firstNormal(thread);
    }
    call++;
    return values;
  }

  private float firstNormal(int thread) {
    int c0 = (int) call;
    int c1 = (int) (call >>> 32);
    int c2 = thread;
    int c3 = 0;
    int k0 = (int) seed;
    int k1 = (int) (seed >>> 32);
    for (int round = 0; round < ROUNDS; round++) {
      long product0 = M0 * (c0 & WORD);
      long product1 = M1 * (c2 & WORD);
      int next0 = (int) (product1 >>> 32) ^ c1 ^ k0;
      int next2 = (int) (product0 >>> 32) ^ c3 ^ k1;
      c0 = next0;
      c1 = (int) product1;
      c2 = next2;
      c3 = (int) product0;
      k0 += W0;
      k1 += W1;
    }
    float u = (c0 & WORD) * TWO_TO_MINUS_32 + TWO_TO_MINUS_32 / 2;
    float v = (c1 & WORD) * TWO_PI_SCALED + TWO_PI_SCALED / 2;
    float radius = (float) Math.sqrt(-2f * (float) Math.log(u));
    return radius * (float) Math.sin(v);
  }
}
