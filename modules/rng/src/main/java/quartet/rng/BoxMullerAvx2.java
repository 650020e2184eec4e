package quartet.rng;

/**
 * The Box-Muller transform of PyTorch's AVX2 kernel, bit for bit: polynomial logarithm, sine and
 * cosine in float32, each operation rounded where the kernel rounds it and fused where it fuses.
 *
 * <p>Why not {@code Math.log}: the last bits of the noise decide the last bits of an image, and
 * tests compare hashes.
 *
 * <p>Source: the Cephes polynomials ({@code logf}, {@code sinf}, {@code cosf}) as used in
 * avx_mathfun (Pommier 2012, zlib licence) and PyTorch {@code normal_fill_AVX2}; Box and Muller
 * 1958.
 */
@SuppressWarnings("FloatingPointLiteralPrecision") // digits as the source has them
final class BoxMullerAvx2 {
  private static final float TWO_PI = 6.283185307179586f;

  private static final float SQRT_HALF = 0.707106781186547524f;
  private static final float LOG_P0 = 7.0376836292e-2f;
  private static final float LOG_P1 = -1.1514610310e-1f;
  private static final float LOG_P2 = 1.1676998740e-1f;
  private static final float LOG_P3 = -1.2420140846e-1f;
  private static final float LOG_P4 = 1.4249322787e-1f;
  private static final float LOG_P5 = -1.6668057665e-1f;
  private static final float LOG_P6 = 2.0000714765e-1f;
  private static final float LOG_P7 = -2.4999993993e-1f;
  private static final float LOG_P8 = 3.3333331174e-1f;

  /** ln 2 in two pieces, so that {@code e * LN2_HIGH} is exact. */
  private static final float LN2_LOW = -2.12194440e-4f;

  private static final float LN2_HIGH = 0.693359375f;

  private static final float FOUR_OVER_PI = 1.27323954473516f;

  /** pi/4 in three pieces: Cody and Waite's argument reduction. */
  private static final float PI4_A = 0.78515625f;

  private static final float PI4_B = 2.4187564849853515625e-4f;
  private static final float PI4_C = 3.77489497744594108e-8f;
  private static final float COS_P0 = 2.443315711809948e-5f;
  private static final float COS_P1 = -1.388731625493765e-3f;
  private static final float COS_P2 = 4.166664568298827e-2f;
  private static final float SIN_P0 = -1.9515295891e-4f;
  private static final float SIN_P1 = 8.3321608736e-3f;
  private static final float SIN_P2 = -1.6666654611e-1f;

  private BoxMullerAvx2() {}

  /**
   * Turns 16 uniforms in [0, 1) into 16 normals in place: element j and j+8 become one pair.
   *
   * @param at where the 16 begin
   */
  static void transform(float[] values, int at) {
    for (int j = at; j < at + 8; j++) {
      float u1 = 1f - values[j];
      float radius = (float) Math.sqrt(-2f * log(u1));
      float angle = TWO_PI * values[j + 8];
      int octant = ((int) (angle * FOUR_OVER_PI) + 1) & ~1;
      float y = octant;
      float x = ((angle - y * PI4_A) - y * PI4_B) - y * PI4_C;
      float z = x * x;
      float c = cosine(z);
      float s = sine(x, z);
      boolean swap = (octant & 2) != 0;
      float sin = swap ? c : s;
      float cos = swap ? s : c;
      values[j] = radius * ((octant - 2 & 4) == 0 ? -cos : cos);
      values[j + 8] = radius * ((octant & 4) != 0 ? -sin : sin);
    }
  }

  /** ln x for 0 < x <= 1. */
  static float log(float x) {
    int exponent = Math.getExponent(x) + 1;
    float m = Math.scalb(x, -exponent);
    if (m < SQRT_HALF) {
      exponent -= 1;
      m = (m - 1f) + m;
    } else {
      m = m - 1f;
    }
    float e = exponent;
    float z = m * m;
    float y = LOG_P0;
    y = Math.fma(y, m, LOG_P1);
    y = Math.fma(y, m, LOG_P2);
    y = Math.fma(y, m, LOG_P3);
    y = Math.fma(y, m, LOG_P4);
    y = Math.fma(y, m, LOG_P5);
    y = Math.fma(y, m, LOG_P6);
    y = Math.fma(y, m, LOG_P7);
    y = Math.fma(y, m, LOG_P8);
    y = y * m;
    y = Math.fma(y, z, e * LN2_LOW);
    y = y - 0.5f * z;
    return (m + y) + e * LN2_HIGH;
  }

  private static float cosine(float z) {
    float c = Math.fma(Math.fma(COS_P0, z, COS_P1), z, COS_P2);
    c = c * z;
    c = Math.fma(c, z, -(0.5f * z));
    return c + 1f;
  }

  private static float sine(float x, float z) {
    float s = Math.fma(Math.fma(SIN_P0, z, SIN_P1), z, SIN_P2);
    s = s * z;
    return Math.fma(s, x, x);
  }
}
