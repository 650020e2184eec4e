package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Linear multistep of order 4: integrates the polynomial through the last slopes. Source: Hairer et
 * al., "Solving ordinary differential equations I", III.1 (Adams-Bashforth); k-diffusion {@code
 * sample_lms}.
 */
final class Lms implements Sampler {
  private static final int ORDER = 4;

  /** Gauss-Legendre with two nodes is exact for polynomials up to degree 3. */
  private static final double NODE = 1 / Math.sqrt(3);

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    SlopeHistory history = new SlopeHistory(ORDER);
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      Tensor denoised = run.guided(x, sigmas[i]);
      if (sigmas[i + 1] == 0f) {
        return denoised;
      }
      history.add(Combine.slope(ops, x, denoised, sigmas[i]));
      float[] weights = new float[history.size()];
      for (int j = 0; j < weights.length; j++) {
        weights[j] = weight(sigmas, i, j, weights.length);
      }
      x = ops.add(x, Combine.sum(ops, weights, history.newest(weights.length)));
    }
    return x;
  }

  /** Integral of the j-th Lagrange polynomial over the step. */
  private static float weight(float[] sigmas, int i, int j, int order) {
    double middle = ((double) sigmas[i] + sigmas[i + 1]) / 2;
    double half = ((double) sigmas[i + 1] - sigmas[i]) / 2;
    return (float)
        (half
            * (lagrange(sigmas, i, j, order, middle - half * NODE)
                + lagrange(sigmas, i, j, order, middle + half * NODE)));
  }

  private static double lagrange(float[] sigmas, int i, int j, int order, double t) {
    double product = 1;
    for (int k = 0; k < order; k++) {
      if (k != j) {
        product *= (t - sigmas[i - k]) / ((double) sigmas[i - j] - sigmas[i - k]);
      }
    }
    return product;
  }
}
