package quartet.tensor.cpu;

import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.IntVector;
import jdk.incubator.vector.VectorOperators;
import jdk.incubator.vector.VectorShuffle;
import quartet.tensor.Activation;

/**
 * Exponential, sigmoid forms and the error function on vectors of float32.
 *
 * <p>Errors: {@link #exp} 2 ulp, zero below -87.3 (where float32 turns subnormal), infinity above
 * 88.37, NaN for NaN; the activations 1e-6 of max(1, |x|).
 */
final class VectorMath {
  private static final float LOG2_E = (float) 1.44269504;
  // ln 2 in two parts, the first exact in 12 bits (Cody and Waite 1980, section 6.2).
  private static final float LN2_HIGH = (float) 0.693359375;
  private static final float LN2_LOW = (float) -2.12194440e-4;
  // Adding 1.5 * 2^23 leaves round(x) in the low mantissa bits.
  private static final float ROUNDER = 12582912f;
  private static final float SMALLEST = -87.33654f;
  private static final float LARGEST = 88.37626f;
  private static final int ONE_BITS = 0x3f800000;

  private static final VectorShuffle<Float> TURN_8 = turn(8);
  private static final VectorShuffle<Float> TURN_4 = turn(4);
  private static final VectorShuffle<Float> TURN_2 = turn(2);

  private VectorMath() {}

  private static VectorShuffle<Float> turn(int by) {
    return VectorShuffle.fromOp(Native.SPECIES, lane -> (lane + by) % Native.LANES);
  }

  /** e^x. Source: Cephes expf (Moshier), coefficients of its minimax polynomial. */
  static FloatVector exp(FloatVector x) {
    FloatVector shifted = x.fma(FloatVector.broadcast(Native.SPECIES, LOG2_E), rounder());
    FloatVector n = shifted.sub(ROUNDER);
    FloatVector r = n.fma(FloatVector.broadcast(Native.SPECIES, -LN2_HIGH), x);
    r = n.fma(FloatVector.broadcast(Native.SPECIES, -LN2_LOW), r);
    FloatVector p = FloatVector.broadcast(Native.SPECIES, (float) 1.9875691500e-4);
    p = p.fma(r, FloatVector.broadcast(Native.SPECIES, (float) 1.3981999507e-3));
    p = p.fma(r, FloatVector.broadcast(Native.SPECIES, (float) 8.3334519073e-3));
    p = p.fma(r, FloatVector.broadcast(Native.SPECIES, (float) 4.1665795894e-2));
    p = p.fma(r, FloatVector.broadcast(Native.SPECIES, (float) 1.6666665459e-1));
    p = p.fma(r, FloatVector.broadcast(Native.SPECIES, (float) 5.0000001201e-1));
    p = p.fma(r.mul(r), r.add(1f));
    // 2^n by its exponent bits. Multiplied, not added to p's bits, so that NaN stays NaN.
    IntVector exponent = shifted.reinterpretAsInts().lanewise(VectorOperators.LSHL, 23);
    FloatVector y = p.mul(exponent.add(ONE_BITS).reinterpretAsFloats());
    y = y.blend(0f, x.compare(VectorOperators.LT, SMALLEST));
    return y.blend(Float.POSITIVE_INFINITY, x.compare(VectorOperators.GT, LARGEST));
  }

  private static FloatVector rounder() {
    return FloatVector.broadcast(Native.SPECIES, ROUNDER);
  }

  /** x * sigmoid(x). */
  static FloatVector silu(FloatVector x) {
    return x.div(exp(x.neg()).add(1f));
  }

  /** x * sigmoid(1.702 x). */
  static FloatVector quickGelu(FloatVector x) {
    return x.div(exp(x.mul(-1.702f)).add(1f));
  }

  /**
   * x * Phi(x) with {@code Phi(-|x|) = erfc(|x| / sqrt 2) / 2}. Source: Abramowitz and Stegun 1964,
   * 7.1.26, |error of erf| at most 1.5e-7.
   */
  static FloatVector gelu(FloatVector x) {
    FloatVector z = x.abs().mul((float) 0.70710678);
    FloatVector t =
        FloatVector.broadcast(Native.SPECIES, 1f)
            .div(z.fma(FloatVector.broadcast(Native.SPECIES, (float) 0.3275911), one()));
    FloatVector p = FloatVector.broadcast(Native.SPECIES, (float) 1.061405429);
    p = p.fma(t, FloatVector.broadcast(Native.SPECIES, (float) -1.453152027));
    p = p.fma(t, FloatVector.broadcast(Native.SPECIES, (float) 1.421413741));
    p = p.fma(t, FloatVector.broadcast(Native.SPECIES, (float) -0.284496736));
    p = p.fma(t, FloatVector.broadcast(Native.SPECIES, (float) 0.254829592));
    FloatVector lower = p.mul(t).mul(exp(z.mul(z).neg())).mul(0.5f);
    // Phi is 1/2 plus or minus its distance from it; |x| takes the sign's part without a branch.
    FloatVector distance = FloatVector.broadcast(Native.SPECIES, 0.5f).sub(lower);
    return x.abs().fma(distance, x.mul(0.5f));
  }

  private static FloatVector one() {
    return FloatVector.broadcast(Native.SPECIES, 1f);
  }

  /**
   * The sum of all lanes, added in halves. Not {@code reduceLanes}: its order is unspecified and
   * differs between the interpreter and compiled code, so the same call would not give the same
   * bits.
   */
  static float sum(FloatVector x) {
    FloatVector folded = x;
    if (Native.LANES > 8) {
      folded = folded.add(folded.rearrange(TURN_8));
    }
    if (Native.LANES > 4) {
      folded = folded.add(folded.rearrange(TURN_4));
    }
    if (Native.LANES > 2) {
      folded = folded.add(folded.rearrange(TURN_2));
    }
    return folded.lane(0) + folded.lane(1);
  }

  /** Any activation; callers keep {@code activation} constant over a loop. */
  static FloatVector activate(FloatVector x, Activation activation) {
    return switch (activation) {
      case NONE -> x;
      case SILU -> silu(x);
      case QUICK_GELU -> quickGelu(x);
      case GELU -> gelu(x);
    };
  }
}
