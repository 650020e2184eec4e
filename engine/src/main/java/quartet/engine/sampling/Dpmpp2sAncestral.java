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
  /** Stands for the middle of a step from nothing but noise. Source: ComfyUI (behaviour). */
  private static final float NEARLY_NOISE = 0.9999f;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      Denoised denoised = run.denoise(x, sigma);
      Ancestral step = Ancestral.step(run.process(), sigma, sigmas[i + 1], 1f);
      if (step.down() == 0f) {
        return denoised.guided();
      }
      Tensor from =
          cfgPp
              ? ops.add(
                  x, Combine.difference(ops, denoised.guided(), denoised.requireUnconditional()))
              : x;
      float middle = middle(run, sigma, step.down());
      float kept = middle / sigma;
      Tensor half = ops.linearCombination(kept, from, 1f - kept, denoised.guided());
      kept = step.down() / sigma;
      Tensor y = ops.linearCombination(kept, from, 1f - kept, run.guided(half, middle));
      x = ops.linearCombination(step.keep(), y, step.up(), run.noise(x));
    }
    return x;
  }

  /** Halfway in the log of the signal-to-noise ratio. */
  private static float middle(SamplerRun run, float sigma, float down) {
    if (run.signal(sigma) <= 0f) {
      return NEARLY_NOISE;
    }
    float from = run.lambda(sigma);
    return run.sigmaAt(from + 0.5f * (run.lambda(down) - from));
  }
}
