package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/** Heun's method: the mean of the slopes at both ends. Source: Karras et al. 2022, algorithm 1. */
final class Heun implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Tensor slope = Combine.slope(ops, x, run.guided(x, sigma), sigma);
      Tensor there = Combine.along(ops, x, next - sigma, slope);
      if (next == 0f) {
        x = there;
      } else {
        Tensor slopeThere = Combine.slope(ops, there, run.guided(there, next), next);
        Tensor mean = ops.linearCombination(0.5f, slope, 0.5f, slopeThere);
        x = Combine.along(ops, x, next - sigma, mean);
      }
    }
    return x;
  }
}
