package quartet.engine.sampling;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Pseudo linear multistep with coefficients for uneven steps, as published in Zhou et al. 2024,
 * "diff-solvers" ({@code ipndm_v}); the fourth-order ones follow that code where it departs from
 * Adams-Bashforth.
 */
final class IpndmV implements Sampler {
  private static final int ORDER = 4;

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
      float[] weights = weights(sigmas, i, history.size());
      Tensor slope = Combine.sum(ops, weights, history.newest(weights.length));
      x = Combine.along(ops, x, sigmas[i + 1] - sigmas[i], slope);
    }
    return x;
  }

  private static float[] weights(float[] s, int i, int order) {
    if (order == 1) {
      return new float[] {1f};
    }
    float h0 = s[i + 1] - s[i];
    float h1 = s[i] - s[i - 1];
    float ratio = h0 / h1;
    if (order == 2) {
      return new float[] {(2f + ratio) / 2f, -ratio / 2f};
    }
    float h2 = s[i - 1] - s[i - 2];
    float t = (1f - h0 / (3f * (h0 + h1)) * (h0 * (h0 + h1)) / (h1 * (h1 + h2))) / 2f;
    float[] three = {(2f + ratio) / 2f + t, -ratio / 2f - (1f + h1 / h2) * t, t * h1 / h2};
    if (order == 3) {
      return three;
    }
    float h3 = s[i - 2] - s[i - 3];
    float q =
        ((1f - h0 / (3f * (h0 + h1))) / 2f
                + (1f - h0 / (2f * (h0 + h1))) * h0 / (6f * (h0 + h1 + h2)))
            * (h0 * (h0 + h1) * (h0 + h1 + h2))
            / (h1 * (h1 + h2) * (h1 + h2 + h3));
    float g = h1 * (h1 + h2) / (h2 * (h2 + h3));
    return new float[] {
      three[0] + q,
      three[1] - (1f + h1 / h2 + g) * q,
      three[2] + (h1 / h2 + g * (1f + h2 / h3)) * q,
      -q * g * h1 / h2
    };
  }
}
