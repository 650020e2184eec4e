package quartet.engine.sampling;

import quartet.tensor.Tensor;

/** Walks a latent from noise to picture. Stateless: a run's state is in its local variables. */
interface Sampler {
  /**
   * Walks all sigmas.
   *
   * @param x {@code [B, H, W, C]} at the first sigma
   * @param sigmas falling, at least two; the last may be 0
   * @return x at the last sigma, in one of the run's open steps
   */
  Tensor sample(SamplerRun run, Tensor x, float[] sigmas);
}
