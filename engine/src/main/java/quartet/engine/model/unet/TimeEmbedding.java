package quartet.engine.model.unet;

import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/** The timestep as waves, then an MLP. Source: Ho et al. 2020, appendix B. */
final class TimeEmbedding {
  private static final double MAX_PERIOD = 10000;

  private final Parameters.Linear first;
  private final Parameters.Linear second;

  TimeEmbedding(WeightCursor weights, int modelChannels) {
    int width = weights.shape("0.weight").dim(0);
    first = weights.linear("0", modelChannels, width);
    second = weights.linear("2", width, width);
  }

  int width() {
    return second.outWidth();
  }

  /** Width of the waves that it takes. */
  int waveWidth() {
    return first.inWidth();
  }

  /**
   * {@code [B, M] -> [B, E]}.
   *
   * @param waves of the timesteps, as {@link #waves} makes them
   */
  Tensor forward(Ops ops, Tensor waves) {
    Tensor x = ops.linear(waves, first, Activation.SILU, null); // [B, E]
    return ops.linear(x, second, Activation.NONE, null);
  }

  /** Cosines of {@code width / 2} frequencies, then their sines. */
  static HostTensor waves(float[] timesteps, int width) {
    int half = width / 2;
    float[] values = new float[timesteps.length * width];
    for (int b = 0; b < timesteps.length; b++) {
      for (int k = 0; k < half; k++) {
        float exponent = (float) -Math.log(MAX_PERIOD) * k / half;
        float angle = timesteps[b] * (float) Math.exp(exponent);
        values[b * width + k] = (float) Math.cos(angle);
        values[b * width + half + k] = (float) Math.sin(angle);
      }
    }
    return HostTensor.of(Shape.of(timesteps.length, width), values);
  }
}
