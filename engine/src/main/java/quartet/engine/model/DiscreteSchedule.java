package quartet.engine.model;

/**
 * The noise levels of a model trained on 1000 timesteps: sigma of each of them, and the maps
 * between the two.
 *
 * <p>Units: sigma is the noise's standard deviation relative to a signal of 1, in
 * variance-exploding terms. Float32 throughout, rounded where PyTorch rounds, since every sigma of
 * a run comes from here.
 *
 * <p>Source: Rombach et al. 2022 (the "scaled linear" betas); k-diffusion {@code DiscreteSchedule}
 * for the interpolation in log sigma.
 */
public final class DiscreteSchedule implements NoiseSchedule {
  /** Standard deviations are "everything" where a percentage is not positive. */
  private static final float ABOVE_ALL = 1e9f;

  private static final double BETA_START = 0.00085;
  private static final double BETA_END = 0.012;

  /**
   * The signal's share of the last step after rescaling, instead of zero, for which sigma would be
   * infinite. Source: ComfyUI {@code rescale_zero_terminal_snr_sigmas} (behaviour).
   */
  private static final double ZERO_TERMINAL_SHARE = 4.8973451890853435e-08;

  private final float[] sigmas;
  private final float[] logSigmas;
  private final int stride;

  private DiscreteSchedule(double[] exact, int stride) {
    this.stride = stride;
    sigmas = new float[exact.length];
    logSigmas = new float[exact.length];
    for (int k = 0; k < exact.length; k++) {
      sigmas[k] = (float) exact[k];
      logSigmas[k] = (float) Math.log(exact[k]);
    }
  }

  /** Stable Diffusion's: betas from 0.00085 to 0.012, linear in their square roots. */
  static DiscreteSchedule scaledLinear() {
    return new DiscreteSchedule(scaledLinearSigmas(), 1);
  }

  /**
   * The same, rescaled so that the last step holds no signal. Source: Lin et al. 2024, "Common
   * diffusion noise schedules and sample steps are flawed", algorithm 1.
   */
  static DiscreteSchedule zeroTerminalSnr() {
    double[] sigmas = scaledLinearSigmas();
    double[] shares = new double[STEPS];
    for (int k = 0; k < STEPS; k++) {
      shares[k] = Math.sqrt(1 / (sigmas[k] * sigmas[k] + 1));
    }
    double first = shares[0];
    double last = shares[STEPS - 1];
    for (int k = 0; k < STEPS; k++) {
      double share = (shares[k] - last) * (first / (first - last));
      double cumulative = k == STEPS - 1 ? ZERO_TERMINAL_SHARE : share * share;
      sigmas[k] = Math.sqrt((1 - cumulative) / cumulative);
    }
    return new DiscreteSchedule(sigmas, 1);
  }

  /**
   * Every so many-th training step only, as a model distilled to few steps knows them. Source: Luo
   * et al. 2023, "Latent Consistency Models", section 4.3 (skipping steps).
   *
   * @param steps that are kept, counted from the noisy end
   */
  public DiscreteSchedule distilled(int steps) {
    int skip = sigmas.length / steps;
    double[] kept = new double[steps];
    for (int k = 0; k < steps; k++) {
      kept[steps - 1 - k] = sigmas[sigmas.length - 1 - k * skip];
    }
    return new DiscreteSchedule(kept, skip);
  }

  private static double[] scaledLinearSigmas() {
    double start = Math.sqrt(BETA_START);
    double end = Math.sqrt(BETA_END);
    double step = (end - start) / (STEPS - 1);
    double[] sigmas = new double[STEPS];
    double cumulative = 1;
    for (int k = 0; k < STEPS; k++) {
      // From both ends towards the middle, as torch.linspace does.
      double root = k < STEPS / 2 ? start + step * k : end - step * (STEPS - 1 - k);
      cumulative *= 1 - root * root;
      sigmas[k] = Math.sqrt((1 - cumulative) / cumulative);
    }
    return sigmas;
  }

  @Override
  public NoiseProcess process() {
    return NoiseProcess.EXPLODING;
  }

  @Override
  public int size() {
    return sigmas.length;
  }

  @Override
  public float firstTimestep() {
    return stride - 1;
  }

  @Override
  public float lastTimestep() {
    return sigmas.length * stride - 1;
  }

  @Override
  public float tableSigma(int k) {
    return sigmas[k];
  }

  /** Log of sigma of entry {@code k}, rounded from float64 on its own. */
  public float tableLogSigma(int k) {
    return logSigmas[k];
  }

  /** The training step nearest in log sigma; the lower of two equally near. */
  @Override
  public float timestep(float sigma) {
    float log = (float) Math.log(sigma);
    int best = 0;
    float distance = Float.POSITIVE_INFINITY;
    for (int k = 0; k < sigmas.length; k++) {
      float candidate = Math.abs(log - logSigmas[k]);
      if (candidate < distance) {
        distance = candidate;
        best = k;
      }
    }
    return best * stride + stride - 1;
  }

  /** Interpolated in log sigma and clamped to the table. */
  @Override
  public float sigma(float timestep) {
    float t = Math.clamp((timestep - (stride - 1)) / stride, 0f, sigmas.length - 1f);
    int low = (int) Math.floor(t);
    int high = (int) Math.ceil(t);
    float weight = t - low;
    float log = (1f - weight) * logSigmas[low] + weight * logSigmas[high];
    return (float) Math.exp(log);
  }

  /** More than any sigma up to 0. */
  @Override
  public double percentToSigma(double percent) {
    if (percent <= 0) {
      return ABOVE_ALL;
    }
    if (percent >= 1) {
      return 0;
    }
    return sigma((float) ((1 - percent) * (STEPS - 1)));
  }
}
