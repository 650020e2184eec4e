package quartet.engine.sampling;

import java.util.List;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/** Sums of tensors that samplers share. */
final class Combine {
  private Combine() {}

  /** The slope dx/dsigma: {@code (x - denoised) / sigma}. Source: Karras et al. 2022, eq. 3. */
  static Tensor slope(Ops ops, Tensor x, Tensor denoised, float sigma) {
    return ops.linearCombination(1f / sigma, x, -1f / sigma, denoised);
  }

  /** {@code x + step * slope}. */
  static Tensor along(Ops ops, Tensor x, float step, Tensor slope) {
    return ops.linearCombination(1f, x, step, slope);
  }

  /** {@code x - y}. */
  static Tensor difference(Ops ops, Tensor x, Tensor y) {
    return ops.linearCombination(1f, x, -1f, y);
  }

  /** {@code sum of weights[i] * terms[i]}; at least one. */
  static Tensor sum(Ops ops, float[] weights, List<Tensor> terms) {
    Tensor sum = ops.affine(terms.getFirst(), weights[0], 0f);
    for (int i = 1; i < terms.size(); i++) {
      sum = ops.linearCombination(1f, sum, weights[i], terms.get(i));
    }
    return sum;
  }
}
