package quartet.engine.sampling;

import quartet.engine.model.NoiseProcess;

/**
 * How an ancestral step from one sigma to the next splits into a deterministic step down and fresh
 * noise. Source: Song et al. 2021 (DDIM), eq. 16; k-diffusion {@code get_ancestral_step}.
 *
 * @param down sigma to step down to
 * @param keep factor of the latent there before the noise is added
 * @param up deviation of the noise to add
 */
record Ancestral(float down, float keep, float up) {
  /** All of the noise that the step allows, where sigma is the noise beside a signal of 1. */
  static Ancestral step(float sigma, float next) {
    return step(sigma, next, 1f);
  }

  /**
   * A share of it; {@code down^2 + up^2 = next^2}.
   *
   * @param sigma infinite where no signal is left
   * @param eta 0 for none, 1 for all
   */
  static Ancestral step(float sigma, float next, float eta) {
    if (eta == 0f) {
      return new Ancestral(next, 1f, 0f);
    }
    float ratio =
        Float.isInfinite(sigma)
            ? next * next
            : next * next * (sigma * sigma - next * next) / (sigma * sigma);
    float up = Math.min(next, eta * F32.sqrt(ratio));
    return new Ancestral(F32.sqrt(next * next - up * up), 1f, up);
  }

  /**
   * The same for either process. In a flow the step down overshoots, and the latent is scaled so
   * that its signal's share is that of {@code next}: {@code keep = (1 - next) / (1 - down)}, {@code
   * up^2 = next^2 - (keep * down)^2}. Source: ComfyUI {@code sample_euler_ancestral_RF}
   * (behaviour).
   */
  static Ancestral step(NoiseProcess process, float sigma, float next, float eta) {
    return switch (process) {
      case EXPLODING -> step(sigma, next, eta);
      case FLOW -> {
        float down = next * (1f + (next / sigma - 1f) * eta);
        float keep = (1f - next) / (1f - down);
        float kept = keep * down;
        yield new Ancestral(down, keep, F32.sqrt(Math.max(0f, next * next - kept * kept)));
      }
    };
  }
}
