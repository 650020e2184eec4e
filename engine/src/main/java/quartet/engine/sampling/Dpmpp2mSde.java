package quartet.engine.sampling;

import org.jspecify.annotations.Nullable;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * SDE-DPM-Solver++(2M) with Brownian noise. Source: Lu et al. 2022, "DPM-Solver++", section 5 and
 * appendix; k-diffusion {@code sample_dpmpp_2m_sde}.
 *
 * @param correction how the last prediction corrects this one
 */
record Dpmpp2mSde(Correction correction) implements Sampler {
  /** The two second-order forms. */
  enum Correction {
    /** By the midpoint rule. */
    MIDPOINT,
    /** By Heun's rule. */
    HEUN
  }

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] given) {
    float[] sigmas = run.withSignal(given);
    Tensor x = start;
    @Nullable Tensor old = null;
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
      float gain = -F32.expm1(-2f * h); // eta = 1 doubles the step of the deterministic part
      float signal = run.signal(next);
      Tensor y = ops.linearCombination(next / sigma * F32.exp(-h), x, signal * gain, denoised);
      if (old != null) {
        float r = oldH / h;
        float factor =
            switch (correction) {
              case MIDPOINT -> 0.5f * gain;
              case HEUN -> gain / (-2f * h) + 1f;
            };
        y = Combine.along(ops, y, signal * factor / r, Combine.difference(ops, denoised, old));
      }
      x = Combine.along(ops, y, next * F32.sqrt(gain), run.brownian(x, sigma, next));
      old = denoised;
      oldH = h;
    }
    return x;
  }
}
