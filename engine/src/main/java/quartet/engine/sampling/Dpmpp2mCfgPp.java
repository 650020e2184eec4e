package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver++(2M) with CFG++. Source: Chung et al. 2024, "CFG++"; ComfyUI {@code
 * sample_dpmpp_2m_cfg_pp} (behaviour).
 */
final class Dpmpp2mCfgPp implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    @Nullable Tensor old = null;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Denoised denoised = run.denoise(x, sigma);
      if (next == 0f) {
        return denoised.guided();
      }
      float h = F32.lambda(next) - F32.lambda(sigma);
      Tensor unconditional = denoised.requireUnconditional();
      Tensor away = Combine.difference(ops, x, unconditional);
      Tensor y = Combine.along(ops, denoised.guided(), F32.exp(-h), away);
      if (old != null) {
        float r = (F32.lambda(sigma) - F32.lambda(sigmas[i - 1])) / h;
        Tensor change = Combine.difference(ops, denoised.guided(), old);
        y = Combine.along(ops, y, -F32.expm1(-h) / (2f * r), change);
      }
      x = y;
      old = unconditional;
    }
    return x;
  }
}
