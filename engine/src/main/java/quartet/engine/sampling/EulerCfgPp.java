package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Euler's method with CFG++: the guided prediction, renoised along the unconditional slope. Source:
 * Chung et al. 2024, "CFG++", algorithm 2.
 *
 * @param eta share of fresh noise: 0 for none, 1 for an ancestral step
 */
record EulerCfgPp(float eta) implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Denoised denoised = run.denoise(x, sigma);
      if (next == 0f) {
        return denoised.guided();
      }
      // In terms of a signal of 1, where the noise's deviation is sigma by the signal's share.
      float signal = run.signal(sigma);
      float nextSignal = run.signal(next);
      Ancestral step = Ancestral.step(sigma / signal, next / nextSignal, eta);
      Tensor noise =
          ops.linearCombination(1f / sigma, x, -signal / sigma, denoised.requireUnconditional());
      Tensor y =
          ops.linearCombination(nextSignal, denoised.guided(), nextSignal * step.down(), noise);
      x = eta > 0f ? Combine.along(ops, y, nextSignal * step.up(), run.noise(x)) : y;
    }
    return x;
  }
}
