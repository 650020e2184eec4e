package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.engine.value.Conditioning;
import quartet.engine.value.LatentBatch;

/**
 * What to sample.
 *
 * @param seed unsigned, all 64 bits
 * @param steps of a whole run, at least 1
 * @param cfg how far the prediction is pushed away from the negative one; at 1 the negative one is
 *     not computed
 * @param sampler a name of {@link Samplers#names}
 * @param scheduler a name of {@link Schedulers#names}
 * @param latent to begin from; its noise mask and batch indices are honoured
 * @param denoise share of the run to walk: 1 from pure noise, 0 nothing
 * @param addNoise false begins from the latent as it is
 * @param startAtStep first step to walk, or null for the first there is
 * @param endAtStep step to end before, or null for the last there is
 * @param leftoverNoise whether an early end leaves its noise in
 */
public record SamplingRequest(
    long seed,
    int steps,
    double cfg,
    String sampler,
    String scheduler,
    Conditioning positive,
    Conditioning negative,
    LatentBatch latent,
    double denoise,
    boolean addNoise,
    @Nullable Integer startAtStep,
    @Nullable Integer endAtStep,
    boolean leftoverNoise) {
  /** From pure noise to a clean latent. */
  public static SamplingRequest whole(
      long seed,
      int steps,
      double cfg,
      String sampler,
      String scheduler,
      Conditioning positive,
      Conditioning negative,
      LatentBatch latent) {
    return new SamplingRequest(
        seed, steps, cfg, sampler, scheduler, positive, negative, latent, 1, true, null, null,
        false);
  }

  /** The same, only the last share of the run. */
  public SamplingRequest last(double share) {
    return new SamplingRequest(
        seed,
        steps,
        cfg,
        sampler,
        scheduler,
        positive,
        negative,
        latent,
        share,
        addNoise,
        startAtStep,
        endAtStep,
        leftoverNoise);
  }

  /** The same, only the steps from one to another. */
  public SamplingRequest part(boolean noise, int start, int end, boolean leftover) {
    return new SamplingRequest(
        seed, steps, cfg, sampler, scheduler, positive, negative, latent, denoise, noise, start,
        end, leftover);
  }
}
