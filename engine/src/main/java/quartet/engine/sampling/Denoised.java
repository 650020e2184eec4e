package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Tensor;

/**
 * A prediction of the clean latent.
 *
 * @param guided pushed by the guidance scale
 * @param unconditional the negative prompt's prediction alone; null where it was not computed
 */
record Denoised(Tensor guided, @Nullable Tensor unconditional) {
  /** The negative prompt's prediction, for samplers that ask for it in {@link Samplers}. */
  Tensor requireUnconditional() {
    if (unconditional == null) {
      throw new IllegalStateException("the sampler did not declare that it needs this");
    }
    return unconditional;
  }
}
