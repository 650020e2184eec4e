package quartet.engine.sampling;

/**
 * How an ancestral step from one sigma to the next splits into a deterministic step down and fresh
 * noise. Source: Song et al. 2021 (DDIM), eq. 16; k-diffusion {@code get_ancestral_step}.
 *
 * @param down sigma to step down to
 * @param up deviation of the noise to add; {@code down^2 + up^2 = next^2}
 */
record Ancestral(float down, float up) {
  /** All of the noise that the step allows. */
  static Ancestral step(float sigma, float next) {
    return step(sigma, next, 1f);
  }

  /**
   * A share of it.
   *
   * @param eta 0 for none, 1 for all
   */
  static Ancestral step(float sigma, float next, float eta) {
    if (eta == 0f) {
      return new Ancestral(next, 0f);
    }
    float ratio = next * next * (sigma * sigma - next * next) / (sigma * sigma);
    float up = Math.min(next, eta * F32.sqrt(ratio));
    return new Ancestral(F32.sqrt(next * next - up * up), up);
  }
}
