package quartet.engine.sampling;

/** Functions rounded to float32, as PyTorch computes a sampler's scalars. */
final class F32 {
  private F32() {}

  static float log(float x) {
    return (float) Math.log(x);
  }

  static float exp(float x) {
    return (float) Math.exp(x);
  }

  /** {@code e^x - 1}. */
  static float expm1(float x) {
    return (float) Math.expm1(x);
  }

  static float sqrt(float x) {
    return (float) Math.sqrt(x);
  }

  /** Half the log of the signal-to-noise ratio: time as the DPM solvers count it. */
  static float lambda(float sigma) {
    return -log(sigma);
  }
}
