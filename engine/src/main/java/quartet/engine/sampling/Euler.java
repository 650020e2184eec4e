package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/** Euler's method. Source: Karras et al. 2022, algorithm 2 without its correction. */
final class Euler implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float sigma = sigmas[i];
      float next = sigmas[i + 1];
      Tensor slope = Combine.slope(ops, x, run.guided(x, sigma), sigma);
      x = Combine.along(ops, x, next - sigma, slope);
    }
    return x;
  }
}
