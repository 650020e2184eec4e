package quartet.engine.model;

import java.util.Map;
import quartet.engine.model.blocks.ModelErrorCode;
import quartet.errors.EngineException;

/**
 * The noise levels of a rectified flow: sigma is the noise's share, and time is shifted towards the
 * noisy end, since larger pictures need more noise to lose as much.
 *
 * <p>Source: Esser et al. 2024, "Scaling rectified flow transformers", eq. 23;
 * black-forest-labs/flux {@code time_shift}. Rounded where PyTorch rounds.
 */
public final class FlowSchedule implements NoiseSchedule {
  /** Noise levels of Flux's table. */
  private static final int FLUX_STEPS = 10_000;

  /** Tokens of a picture at which Flux's shift is given, and the pixels of each. */
  private static final int SMALL_TOKENS = 256;

  private static final int LARGE_TOKENS = 4096;
  private static final int TOKEN_PIXELS = 16 * 16;

  private final Shift shift;
  private final float[] sigmas;

  /** How time from 0 to 1 becomes sigma from 0 to 1. */
  private sealed interface Shift {
    /** {@code factor * u / (1 + (factor - 1) * u)} with {@code u = t / multiplier}. */
    record ByFactor(double factor, double multiplier) implements Shift {}

    /** {@code e^mu / (e^mu + 1 / t - 1)}. */
    record ByExponent(double mu) implements Shift {}
  }

  private FlowSchedule(Shift shift, int steps) {
    this.shift = shift;
    sigmas = new float[steps];
    for (int k = 1; k <= steps; k++) {
      sigmas[k - 1] = sigma((float) k / steps * multiplier());
    }
  }

  /**
   * Stable Diffusion 3's and AuraFlow's.
   *
   * @param factor of the noise's part in noise to signal; 1 leaves time as it is
   * @param multiplier what the network is told at a sigma of 1
   * @throws EngineException if the factor is not positive: all sigmas would be 0
   */
  public static FlowSchedule shifted(double factor, double multiplier) {
    requireShift(factor);
    return new FlowSchedule(new Shift.ByFactor(factor, multiplier), STEPS);
  }

  /**
   * Passes if {@link #shifted} takes the factor.
   *
   * @throws EngineException if it is not positive
   */
  public static void requireShift(double factor) {
    if (!(factor > 0)) {
      throw new EngineException(
          ModelErrorCode.MODEL_INPUT_UNFIT,
          "A shift of %s leaves no noise levels to sample at: it has to be above 0 (1 leaves time as it is, 3 is usual)."
              .formatted(factor),
          Map.of("shift", Double.toString(factor)),
          null);
    }
  }

  /**
   * What {@link #flux} takes for a size of pictures: linear in the tokens of 16x16 pixels, from
   * {@code base} at 256 of them to {@code most} at 4096. Source: black-forest-labs/flux {@code
   * get_lin_function}.
   */
  public static double fluxShift(double most, double base, int width, int height) {
    double slope = (most - base) / (LARGE_TOKENS - SMALL_TOKENS);
    double tokens = (double) width * height / TOKEN_PIXELS;
    return tokens * slope + (base - slope * SMALL_TOKENS);
  }

  /**
   * Flux's.
   *
   * @param mu logarithm of the factor; 0 leaves time as it is
   */
  public static FlowSchedule flux(double mu) {
    return new FlowSchedule(new Shift.ByExponent(mu), FLUX_STEPS);
  }

  @Override
  public NoiseProcess process() {
    return NoiseProcess.FLOW;
  }

  @Override
  public int size() {
    return sigmas.length;
  }

  @Override
  public float firstTimestep() {
    return timestep(sigmaMin());
  }

  @Override
  public float lastTimestep() {
    return timestep(sigmaMax());
  }

  @Override
  public float tableSigma(int k) {
    return sigmas[k];
  }

  /** Proportional: time is not shifted back. Source: ComfyUI (behaviour). */
  @Override
  public float timestep(float sigma) {
    return sigma * multiplier();
  }

  @Override
  public float sigma(float timestep) {
    return switch (shift) {
      case Shift.ByFactor by -> {
        float u = timestep / multiplier();
        yield by.factor() == 1 ? u : (float) by.factor() * u / (1f + (float) (by.factor() - 1) * u);
      }
      case Shift.ByExponent by -> {
        double scale = Math.exp(by.mu());
        yield 1f / ((float) scale + (1f / timestep - 1f)) * (float) scale;
      }
    };
  }

  /** 1 up to 0. */
  @Override
  public double percentToSigma(double percent) {
    if (percent <= 0) {
      return 1;
    }
    if (percent >= 1) {
      return 0;
    }
    double t = 1 - percent;
    return switch (shift) {
      case Shift.ByFactor by -> by.factor() * t / (1 + (by.factor() - 1) * t);
      case Shift.ByExponent by -> {
        double scale = Math.exp(by.mu());
        yield scale / (scale + (1 / t - 1));
      }
    };
  }

  private float multiplier() {
    return switch (shift) {
      case Shift.ByFactor by -> (float) by.multiplier();
      case Shift.ByExponent ignored -> 1f;
    };
  }
}
