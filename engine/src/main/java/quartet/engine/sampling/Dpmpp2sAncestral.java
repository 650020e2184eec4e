package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver++(2S) with fresh noise in each step. Source: Lu et al. 2022, "DPM-Solver++", algorithm
 * 1; k-diffusion {@code sample_dpmpp_2s_ancestral}; Chung et al. 2024 for CFG++.
 *
 * @param cfgPp whether to renoise along the unconditional prediction
 */
record Dpmpp2sAncestral(boolean cfgPp) implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      Denoised denoised = run.denoise(x, sigma);
      Ancestral step = Ancestral.step(sigma, sigmas[i + 1]);
      if (step.down() == 0f) {
        return denoised.guided();
      }
      Tensor from =
          cfgPp
              ? ops.add(
                  x, Combine.difference(ops, denoised.guided(), denoised.requireUnconditional()))
              : x;
      float t = F32.lambda(sigma);
      float h = F32.lambda(step.down()) - t;
      float middle = F32.exp(-(t + 0.5f * h));
      Tensor half =
          ops.linearCombination(
              middle / F32.exp(-t), from, -F32.expm1(-h * 0.5f), denoised.guided());
      Tensor y =
          ops.linearCombination(
              step.down() / F32.exp(-t), from, -F32.expm1(-h), run.guided(half, middle));
      x = Combine.along(ops, y, step.up(), run.noise(x));
    }
    return x;
  }
}
