package quartet.engine.sampling;

import java.util.List;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Guidance away from what the negative prompt wants beside the positive one. Source: Armandpour et
 * al. 2023, "Re-imagine the Negative Prompt Algorithm", eq. 5.
 */
final class PerpendicularNegative {
  private PerpendicularNegative() {}

  /** Predictions under the positive, the negative and the empty prompt, in this order. */
  static Tensor combine(Ops ops, List<Tensor> means, float scale, float negativeScale) {
    Tensor empty = means.get(2);
    Tensor positive = Combine.difference(ops, means.get(0), empty);
    Tensor negative = Combine.difference(ops, means.get(1), empty);
    float[] p = ops.download(positive);
    float[] n = ops.download(negative);
    double dot = 0;
    double square = 0;
    for (int i = 0; i < p.length; i++) {
      dot += (double) p[i] * n[i];
      square += (double) p[i] * p[i];
    }
    float along = square == 0 ? 0f : (float) (dot / square);
    Tensor perpendicular = Combine.along(ops, negative, -along, positive);
    Tensor push = Combine.along(ops, positive, -negativeScale, perpendicular);
    return Combine.along(ops, empty, scale, push);
  }
}
