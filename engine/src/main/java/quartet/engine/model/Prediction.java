package quartet.engine.model;

/** What a denoising network's output means. */
public enum Prediction {
  /** The noise: {@code x0 = x - sigma * out}. Source: Ho et al. 2020. */
  EPSILON,
  /**
   * The velocity: {@code x0 = x / (sigma^2 + 1) - out * sigma / sqrt(sigma^2 + 1)}. Source:
   * Salimans and Ho 2022, appendix D.
   */
  VELOCITY
}
