package quartet.tensor;

/**
 * The two 8-bit float forms of checkpoints. Source: Micikevicius et al., FP8 formats for deep
 * learning (2022), table 1.
 */
final class Float8 {
  private Float8() {}

  /** Four exponent bits (bias 7), three mantissa bits; no infinities, NaN is 0x7F and 0xFF. */
  static float e4m3ToFloat(byte bits) {
    int exponent = bits >> 3 & 0xF;
    int mantissa = bits & 0x7;
    float magnitude =
        exponent == 0xF && mantissa == 0x7
            ? Float.NaN
            : exponent == 0
                ? Math.scalb((float) mantissa, -9)
                : Math.scalb(8f + mantissa, exponent - 10);
    return bits < 0 ? -magnitude : magnitude;
  }

  /** Five exponent bits (bias 15), two mantissa bits: the upper byte of a float16. */
  static float e5m2ToFloat(byte bits) {
    return Float.float16ToFloat((short) (bits << 8));
  }
}
