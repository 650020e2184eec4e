package quartet.engine.model;

/**
 * How a model's latents relate to its VAE's.
 *
 * @param channels of a latent
 * @param scale a VAE latent times this is the model's
 */
public record LatentFormat(int channels, float scale) {
  /** Stable Diffusion 1's: brings the latents to unit variance. Source: Rombach et al. 2022, G. */
  static final float SD15_SCALE = 0.18215f;
}
