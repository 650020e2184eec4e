package quartet.engine.sampling;

import quartet.engine.model.NoiseSchedule;

/** Lists of noise levels that do not come from a scheduler's name, in float32 as PyTorch rounds. */
public final class SigmaCurves {
  /** What a flipped list begins with instead of 0. Source: ComfyUI (behaviour). */
  private static final float TINY = 0.0001f;

  private static final int TURBO_STEPS = 10;
  private static final int TURBO_STRIDE = 100;

  private SigmaCurves() {}

  /** Even distances in the {@code rho}-th root, then 0. Source: Karras et al. 2022, eq. 5. */
  public static float[] karras(int steps, double min, double max, double rho) {
    double low = Math.pow(min, 1 / rho);
    double high = Math.pow(max, 1 / rho);
    float[] ramp = Linspace.of(0f, 1f, steps);
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      float root = (float) high + ramp[i] * (float) (low - high);
      sigmas[i] = (float) Math.pow(root, rho);
    }
    return sigmas;
  }

  /** Even distances of the logarithm's {@code rho}-th power, then 0. Source: k-diffusion. */
  public static float[] polyexponential(int steps, double min, double max, double rho) {
    float[] ramp = Linspace.of(1f, 0f, steps);
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      float share = (float) Math.pow(ramp[i], rho);
      float log = share * (float) (Math.log(max) - Math.log(min)) + (float) Math.log(min);
      sigmas[i] = (float) Math.exp(log);
    }
    return sigmas;
  }

  /**
   * Every hundredth timestep from a start on, then 0. Source: Sauer et al. 2023, "Adversarial
   * Diffusion Distillation", section 3.
   */
  public static float[] turbo(NoiseSchedule schedule, int steps, double denoise) {
    int first = TURBO_STEPS - (int) (TURBO_STEPS * denoise);
    int count = Math.min(steps, TURBO_STEPS - first);
    float[] sigmas = new float[count + 1];
    for (int i = 0; i < count; i++) {
      int timestep = TURBO_STRIDE * (TURBO_STEPS - first - i) - 1;
      sigmas[i] = schedule.sigma(timestep);
    }
    return sigmas;
  }

  /** Source: Song et al. 2021, "Score-Based Generative Modeling", eq. 29; k-diffusion. */
  public static float[] variancePreserving(
      int steps, double betaD, double betaMin, double epsilon) {
    float[] times = Linspace.of(1f, (float) epsilon, steps);
    float[] sigmas = new float[steps + 1];
    for (int i = 0; i < steps; i++) {
      float t = times[i];
      double exponent = betaD * t * t / 2 + betaMin * t;
      sigmas[i] = (float) Math.sqrt(Math.exp(exponent) - 1);
    }
    return sigmas;
  }

  /** The other way round. */
  public static float[] flipped(float[] sigmas) {
    float[] out = new float[sigmas.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = sigmas[sigmas.length - 1 - i];
    }
    if (out.length > 0 && out[0] == 0f) {
      out[0] = TINY;
    }
    return out;
  }
}
