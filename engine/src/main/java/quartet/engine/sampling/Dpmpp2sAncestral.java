package quartet.engine.sampling;

import quartet.engine.model.NoiseProcess;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver++(2S) with fresh noise in each step. Source: Lu et al. 2022, "DPM-Solver++", algorithm
 * 1; k-diffusion {@code sample_dpmpp_2s_ancestral}; Chung et al. 2024 for CFG++.
 *
 * <p>With CFG++ it takes a rectified flow's sigma for noise beside a signal of 1, which adds too
 * much noise: what ComfyUI does, so that a seed gives its picture (behaviour).
 *
 * @param cfgPp whether to renoise along the unconditional prediction
 */
record Dpmpp2sAncestral(boolean cfgPp) implements Sampler {
  /** Stands for the middle of a step from nothing but noise. Source: ComfyUI (behaviour). */
  private static final float NEARLY_NOISE = 0.9999f;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    NoiseProcess process = cfgPp ? NoiseProcess.EXPLODING : run.process();
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      Denoised denoised = run.denoise(x, sigma);
      Ancestral step = Ancestral.step(process, sigma, sigmas[i + 1], 1f);
      if (step.down() == 0f) {
        return denoised.guided();
      }
      Tensor from =
          cfgPp
              ? ops.add(
                  x, Combine.difference(ops, denoised.guided(), denoised.requireUnconditional()))
              : x;
      float middle = middle(process, sigma, step.down());
      float kept = middle / sigma;
      Tensor half = ops.linearCombination(kept, from, 1f - kept, denoised.guided());
      kept = step.down() / sigma;
      Tensor y = ops.linearCombination(kept, from, 1f - kept, run.guided(half, middle));
      x = ops.linearCombination(step.keep(), y, step.up(), run.noise(x));
    }
    return x;
  }

  /** Halfway in the log of the signal-to-noise ratio. */
  private static float middle(NoiseProcess process, float sigma, float down) {
    if (process.signal(sigma) <= 0f) {
      return NEARLY_NOISE;
    }
    float from = LogSnr.of(process, sigma);
    return LogSnr.sigma(process, from + 0.5f * (LogSnr.of(process, down) - from));
  }
}
