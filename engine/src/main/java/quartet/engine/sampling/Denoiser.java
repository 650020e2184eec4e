package quartet.engine.sampling;

import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/** Predicts the clean latent behind a noisy one. */
@FunctionalInterface
interface Denoiser {
  /**
   * One prediction.
   *
   * @param scope owns the result
   * @param x {@code [B, H, W, C]}, signal of variance about 1 plus noise of deviation {@code sigma}
   */
  Denoised denoise(TensorScope scope, Tensor x, float sigma);
}
