package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Exponential integrator with polynomials in time, order 3 ("tab"). Source: Zhang and Chen 2023,
 * "DEIS", eq. 15; coefficients by the rectangle rule of 10,000 points as in Zhou et al. 2024,
 * "diff-solvers" ({@code get_deis_coeff_list}), whose error is part of the result.
 */
final class Deis implements Sampler {
  private static final int ORDER = 3;
  private static final int POINTS = 10_000;

  /** Of the variance-preserving SDE between sigmas 0.002 and 80 with its end time at 1e-3. */
  private static final double BETA_SLOPE = 17.537850650940623;

  private static final double BETA_START = -0.004715818328307364;

  @Override
  public Tensor sample(SamplerRun run, Tensor start, float[] sigmas) {
    Tensor x = start;
    SlopeHistory history = new SlopeHistory(ORDER);
    for (int i = 0; i + 1 < sigmas.length; i++) {
      Ops ops = run.beginStep();
      float next = sigmas[i + 1];
      history.add(Combine.slope(ops, x, run.guided(x, sigmas[i]), sigmas[i]));
      int order = next <= 0f ? 1 : history.size();
      if (order == 1) {
        x = Combine.along(ops, x, next - sigmas[i], history.newest(1).getFirst());
      } else {
        float[] weights = weights(sigmas, i, order);
        x = ops.add(x, Combine.sum(ops, weights, history.newest(order)));
      }
    }
    return x;
  }

  private static float[] weights(float[] sigmas, int i, int order) {
    double[] nodes = new double[order];
    for (int k = 0; k < order; k++) {
      nodes[k] = time(sigmas[i - k]);
    }
    double from = nodes[0];
    double to = time(sigmas[i + 1]);
    double[] sums = new double[order];
    for (int p = 0; p < POINTS; p++) {
      double u = from + (to - from) * p / (POINTS - 1);
      double alpha = Math.exp(-0.5 * u * u * BETA_SLOPE - u * BETA_START);
      double weight = 0.5 * (u * BETA_SLOPE + BETA_START) / Math.sqrt(alpha * (1 - alpha));
      for (int j = 0; j < order; j++) {
        double lagrange = 1;
        for (int k = 0; k < order; k++) {
          if (k != j) {
            lagrange *= (u - nodes[k]) / (nodes[j] - nodes[k]);
          }
        }
        sums[j] += weight * lagrange;
      }
    }
    float[] weights = new float[order];
    for (int j = 0; j < order; j++) {
      weights[j] = (float) (sums[j] * (to - from) / POINTS);
    }
    return weights;
  }

  private static double time(float sigma) {
    double log = Math.log((double) sigma * sigma + 1);
    return (Math.sqrt(BETA_START * BETA_START + 2 * BETA_SLOPE * log) - BETA_START) / BETA_SLOPE;
  }
}
