package quartet.rng;

/**
 * The Mersenne twister with PyTorch's seeding: a 64-bit seed of which only the low 32 bits count.
 *
 * <p>Source: Matsumoto and Nishimura 1998, mt19937ar ({@code init_genrand}, {@code genrand_int32});
 * PyTorch {@code at::mt19937}.
 */
final class Mt19937 {
  private static final int N = 624;
  private static final int M = 397;
  private static final int MATRIX_A = 0x9908b0df;
  private static final int UPPER = 0x80000000;
  private static final int LOWER = 0x7fffffff;

  private final int[] state = new int[N];
  private int next = N;

  Mt19937(long seed) {
    state[0] = (int) seed;
    for (int j = 1; j < N; j++) {
      state[j] = 1812433253 * (state[j - 1] ^ state[j - 1] >>> 30) + j;
    }
  }

  /** The next 32 bits. */
  int nextInt() {
    if (next == N) {
      regenerate();
      next = 0;
    }
    int y = state[next++];
    y ^= y >>> 11;
    y ^= y << 7 & 0x9d2c5680;
    y ^= y << 15 & 0xefc60000;
    return y ^ y >>> 18;
  }

  /** In [0, 1) with 24 bits. Source: PyTorch {@code at::uniform_real_distribution<float>}. */
  float nextFloat() {
    return (nextInt() & 0xFFFFFF) * 0x1p-24f;
  }

  /** In [0, 1) with 53 bits; the first word drawn is the high one. */
  double nextDouble() {
    long high = nextInt();
    long bits = high << 32 | Integer.toUnsignedLong(nextInt());
    return (bits & (1L << 53) - 1) * 0x1p-53;
  }

  private void regenerate() {
    for (int k = 0; k < N; k++) {
      int y = (state[k] & UPPER) | (state[(k + 1) % N] & LOWER);
      state[k] = state[(k + M) % N] ^ y >>> 1 ^ ((y & 1) == 0 ? 0 : MATRIX_A);
    }
  }
}
