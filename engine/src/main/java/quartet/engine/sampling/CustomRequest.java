package quartet.engine.sampling;

import quartet.engine.value.Guidance;
import quartet.engine.value.LatentBatch;

/**
 * What to sample, with every part chosen by itself.
 *
 * @param seed unsigned, all 64 bits; of the starting noise and of noise on the way
 * @param addNoise false begins from the latent as it is
 * @param sampler a name of {@link Samplers#names}
 * @param sigmas falling; fewer than two leave the latent as it is
 * @param latent to begin from; its noise mask and batch indices are honoured
 */
@SuppressWarnings("ArrayRecordComponent") // passed on, never compared
public record CustomRequest(
    long seed,
    boolean addNoise,
    Guidance guidance,
    String sampler,
    float[] sigmas,
    LatentBatch latent) {

  /** The same from another latent. */
  CustomRequest withLatent(LatentBatch other) {
    return new CustomRequest(seed, addNoise, guidance, sampler, sigmas, other);
  }

  /**
   * What comes out.
   *
   * @param latent at the last sigma
   * @param denoised the clean latent as the model saw it last
   */
  public record Result(LatentBatch latent, LatentBatch denoised) {}
}
