package quartet.engine.sampling;

import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * Guidance whose result keeps the deviation of the prediction under the prompt, so that it does not
 * burn out. In terms of the velocity. Source: Lin et al. 2024, "Common diffusion noise schedules
 * and sample steps are flawed", section 3.4.
 */
final class RescaledGuidance {
  /** Predictions that are the same everywhere stay as they are. */
  private static final double LEAST_DEVIATION = 1e-8;

  private RescaledGuidance() {}

  static Tensor combine(
      Ops ops,
      Tensor x,
      float sigma,
      Tensor conditional,
      Tensor unconditional,
      float scale,
      float share) {
    float variance = sigma * sigma + 1f;
    float root = F32.sqrt(variance);
    Tensor base = ops.affine(x, 1f / variance, 0f);
    // v = (x / (sigma^2 + 1) - denoised) * sqrt(sigma^2 + 1) / sigma
    Tensor c = ops.linearCombination(root / sigma, base, -root / sigma, conditional);
    Tensor u = ops.linearCombination(root / sigma, base, -root / sigma, unconditional);
    Tensor guided = Combine.along(ops, u, scale, Combine.difference(ops, c, u));
    Tensor velocity = rescaled(ops, c, guided, share);
    return ops.linearCombination(1f, base, -sigma / root, velocity);
  }

  /**
   * The same where the input is no signal of 1 with noise: in terms of the clean latent. Source:
   * ComfyUI {@code RescaleCFG} (behaviour).
   */
  static Tensor combineClean(
      Ops ops, Tensor conditional, Tensor unconditional, float scale, float share) {
    Tensor guided =
        Combine.along(
            ops, unconditional, scale, Combine.difference(ops, conditional, unconditional));
    return rescaled(ops, conditional, guided, share);
  }

  private static Tensor rescaled(Ops ops, Tensor conditional, Tensor guided, float share) {
    float[] ratios = ratios(ops.download(conditional), ops.download(guided), guided.dim(0));
    float[] factors = new float[Math.toIntExact(guided.shape().elements())];
    int item = factors.length / ratios.length;
    for (int i = 0; i < factors.length; i++) {
      factors[i] = share * ratios[i / item] + (1f - share);
    }
    return ops.multiply(guided, ops.upload(HostTensor.of(guided.shape(), factors)));
  }

  /** Deviation of one by deviation of the other, per item of the batch. */
  private static float[] ratios(float[] above, float[] below, int batch) {
    float[] ratios = new float[batch];
    int item = above.length / batch;
    for (int b = 0; b < batch; b++) {
      ratios[b] =
          (float)
              (deviation(above, b * item, item)
                  / Math.max(LEAST_DEVIATION, deviation(below, b * item, item)));
    }
    return ratios;
  }

  private static double deviation(float[] values, int from, int count) {
    double sum = 0;
    for (int i = from; i < from + count; i++) {
      sum += values[i];
    }
    double mean = sum / count;
    double squares = 0;
    for (int i = from; i < from + count; i++) {
      squares += (values[i] - mean) * (values[i] - mean);
    }
    return Math.sqrt(squares / (count - 1));
  }
}
