package quartet.engine.model;

/** What a denoising network's output means. */
public enum Prediction {
  /** The noise: {@code x0 = x - sigma * out}. Source: Ho et al. 2020. */
  EPSILON,
  /**
   * The velocity: {@code x0 = x / (sigma^2 + 1) - out * sigma / sqrt(sigma^2 + 1)}. Source:
   * Salimans and Ho 2022, appendix D.
   */
  VELOCITY,
  /** The clean latent itself. */
  CLEAN,
  /** The same, from an input that is not scaled to unit variance: one picture to another. */
  CLEAN_FROM_UNSCALED,
  /**
   * The noise, and the clean latent from it mixed with the input by boundary scalings. Source: Luo
   * et al. 2023, "Latent Consistency Models", eq. 9 (timesteps scaled by 10, deviation 0.5).
   */
  CONSISTENCY,
  /**
   * The flow's velocity, from noise to picture reversed: {@code x0 = x - sigma * out}, from an
   * input that is not scaled. Source: Liu et al. 2023, "Flow straight and fast".
   */
  FLOW
}
