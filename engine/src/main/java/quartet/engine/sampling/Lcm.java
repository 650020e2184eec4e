package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Predict, add noise again, predict: for consistency models. Source: Song et al. 2023, "Consistency
 * models", algorithm 1; Luo et al. 2023 (LCM).
 */
final class Lcm implements Sampler {
  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float next = sigmas[i + 1];
      x = run.guided(x, sigmas[i]);
      if (next > 0f) {
        x = ops.linearCombination(run.signal(next), x, next, run.noise(x));
      }
    }
    return x;
  }
}
