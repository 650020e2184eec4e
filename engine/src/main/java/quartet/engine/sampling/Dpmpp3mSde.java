package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * SDE-DPM-Solver++(3M) with Brownian noise. Source: Lu et al. 2022, "DPM-Solver++", appendix;
 * k-diffusion {@code sample_dpmpp_3m_sde}.
 */
final class Dpmpp3mSde implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] given) {
    float[] sigmas = run.withSignal(given);
    Tensor x = start;
    @Nullable Tensor older = null;
    @Nullable Tensor old = null;
    float olderH = 0f;
    float oldH = 0f;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Tensor denoised = run.guided(x, sigma);
      if (next == 0f) {
        return denoised;
      }
      float h = run.lambda(next) - run.lambda(sigma);
      float he = 2f * h;
      float gain = -F32.expm1(-he);
      float signal = run.signal(next);
      Tensor y = ops.linearCombination(next / sigma * F32.exp(-h), x, signal * gain, denoised);
      float phi2 = -gain / he + 1f;
      if (old != null) {
        float r0 = oldH / h;
        Tensor first = ops.linearCombination(1f / r0, denoised, -1f / r0, old);
        if (older == null) {
          y = Combine.along(ops, y, signal * phi2, first);
        } else {
          float r1 = olderH / h;
          Tensor second = ops.linearCombination(1f / r1, old, -1f / r1, older);
          Tensor change = Combine.difference(ops, first, second);
          Tensor d1 = Combine.along(ops, first, r0 / (r0 + r1), change);
          y = Combine.along(ops, y, signal * phi2, d1);
          y = Combine.along(ops, y, -signal * (phi2 / he - 0.5f) / (r0 + r1), change);
        }
      }
      x = Combine.along(ops, y, next * F32.sqrt(gain), run.brownian(x, sigma, next));
      older = old;
      old = denoised;
      olderH = oldH;
      oldH = h;
    }
    return x;
  }
}
