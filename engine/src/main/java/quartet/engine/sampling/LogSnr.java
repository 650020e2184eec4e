package quartet.engine.sampling;

import quartet.engine.model.NoiseProcess;

/**
 * Half the log of the signal-to-noise ratio, {@code log(signal / sigma)}: time as the exponential
 * integrators count it. Source: Kingma et al. 2021, "Variational diffusion models", eq. 6.
 */
final class LogSnr {
  private LogSnr() {}

  /** Of a noise level; infinite at 0, and where no signal is left. */
  static float of(NoiseProcess process, float sigma) {
    return switch (process) {
      case EXPLODING -> F32.lambda(sigma);
      case FLOW -> -F32.log(sigma / (1f - sigma));
    };
  }

  /** The noise level with this ratio. */
  static float sigma(NoiseProcess process, float lambda) {
    return switch (process) {
      case EXPLODING -> F32.exp(-lambda);
      case FLOW -> 1f / (1f + F32.exp(lambda));
    };
  }
}
