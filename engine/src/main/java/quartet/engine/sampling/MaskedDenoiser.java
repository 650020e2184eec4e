package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.engine.model.NoiseProcess;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Keeps the latent outside a mask: there the network sees the latent at the step's noise, and its
 * answer is the latent. Source: Lugmayr et al. 2022 (RePaint) without resampling; ComfyUI {@code
 * KSamplerX0Inpaint} (behaviour).
 *
 * <p>All tensors are {@code [B, H, W, C]} in the run's scope.
 *
 * @param process how the latent and the noise are mixed
 * @param mask 1 where sampling is free
 * @param keptLatent the latent, times {@code 1 - mask}
 * @param keptNoise the noise, times {@code 1 - mask}
 */
record MaskedDenoiser(
    Denoiser inner, NoiseProcess process, Tensor mask, Tensor keptLatent, Tensor keptNoise)
    implements Denoiser {
  @Override
  public Denoised denoise(TensorScope scope, Tensor x, float sigma) {
    try (TensorScope call = scope.child("masked")) {
      Ops ops = call.ops();
      Tensor kept = ops.linearCombination(process.signal(sigma), keptLatent, sigma, keptNoise);
      Tensor seen = ops.add(ops.multiply(x, mask), kept);
      Denoised denoised = inner.denoise(call, seen, sigma);
      Tensor guided = ops.add(ops.multiply(denoised.guided(), mask), keptLatent);
      @Nullable Tensor unconditional = denoised.unconditional();
      return new Denoised(
          call.handOver(guided), unconditional == null ? null : call.handOver(unconditional));
    }
  }
}
