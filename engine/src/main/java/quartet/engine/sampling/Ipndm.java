package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Pseudo linear multistep with Adams-Bashforth's coefficients for even steps. Source: Zhang and
 * Chen 2023, "DEIS", iPNDM; Liu et al. 2022, "PNDM", eq. 9.
 */
final class Ipndm implements Sampler {
  private static final float[][] ADAMS_BASHFORTH = {
    {1f},
    {3f / 2, -1f / 2},
    {23f / 12, -16f / 12, 5f / 12},
    {55f / 24, -59f / 24, 37f / 24, -9f / 24}
  };

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    SlopeHistory history = new SlopeHistory(ADAMS_BASHFORTH.length);
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      Tensor denoised = run.guided(x, sigmas[i]);
      if (sigmas[i + 1] == 0f) {
        return denoised;
      }
      history.add(Combine.slope(ops, x, denoised, sigmas[i]));
      float[] weights = ADAMS_BASHFORTH[history.size() - 1];
      Tensor slope = Combine.sum(ops, weights, history.newest(weights.length));
      x = Combine.along(ops, x, sigmas[i + 1] - sigmas[i], slope);
    }
    return x;
  }
}
