package quartet.engine.model;

/** How signal and noise of deviation 1 are mixed at a noise level. */
public enum NoiseProcess {
  /** {@code signal + sigma * noise}. Source: Song et al. 2021, the variance-exploding SDE. */
  EXPLODING,
  /**
   * {@code (1 - sigma) * signal + sigma * noise}, sigma from 0 to 1. Source: Liu et al. 2023, "Flow
   * straight and fast", eq. 1; Lipman et al. 2023, "Flow matching", eq. 22.
   */
  FLOW;

  /** The signal's share. */
  public float signal(float sigma) {
    return switch (this) {
      case EXPLODING -> 1f;
      case FLOW -> 1f - sigma;
    };
  }
}
