package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * DPM-Solver-2 with the midpoint in log sigma. Source: Karras et al. 2022, algorithm 2 with the
 * midpoint of Lu et al. 2022, "DPM-Solver", algorithm 1; k-diffusion {@code sample_dpm_2}.
 *
 * @param ancestral whether each step adds fresh noise
 */
record Dpm2(boolean ancestral) implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      Ancestral step = Ancestral.step(run.process(), sigma, sigmas[i + 1], ancestral ? 1f : 0f);
      Tensor slope = Combine.slope(ops, x, run.guided(x, sigma), sigma);
      if (step.down() == 0f) {
        x = Combine.along(ops, x, step.down() - sigma, slope);
        continue;
      }
      float logSigma = F32.log(sigma);
      float middle = F32.exp(logSigma + 0.5f * (F32.log(step.down()) - logSigma));
      Tensor half = Combine.along(ops, x, middle - sigma, slope);
      Tensor slopeHalf = Combine.slope(ops, half, run.guided(half, middle), middle);
      Tensor y = Combine.along(ops, x, step.down() - sigma, slopeHalf);
      x = ancestral ? ops.linearCombination(step.keep(), y, step.up(), run.noise(x)) : y;
    }
    return x;
  }
}
