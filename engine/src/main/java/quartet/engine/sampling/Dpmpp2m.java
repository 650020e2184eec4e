package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver++(2M): second order from the last two predictions. Source: Lu et al. 2022,
 * "DPM-Solver++", algorithm 2; k-diffusion {@code sample_dpmpp_2m}.
 */
final class Dpmpp2m implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    @Nullable Tensor old = null;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Tensor denoised = run.guided(x, sigma);
      if (next == 0f) {
        return denoised;
      }
      float h = F32.lambda(next) - F32.lambda(sigma);
      Tensor estimate = denoised;
      if (old != null) {
        float r = (F32.lambda(sigma) - F32.lambda(sigmas[i - 1])) / h;
        estimate = ops.linearCombination(1f + 1f / (2f * r), denoised, -1f / (2f * r), old);
      }
      x = ops.linearCombination(next / sigma, x, -F32.expm1(-h), estimate);
      old = denoised;
    }
    return x;
  }
}
