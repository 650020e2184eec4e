package quartet.engine.model.unet;

import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/** Numbers as waves, then an MLP. Source: Ho et al. 2020, appendix B. */
public final class TimeEmbedding {
  private static final double MAX_PERIOD = 10000;

  private final Parameters.Linear first;
  private final Parameters.Linear second;

  /** The MLP at {@code weights}, which takes vectors of {@code in} numbers. */
  TimeEmbedding(WeightCursor weights, int in) {
    int width = weights.shape("0.weight").dim(0);
    first = weights.linear("0", in, width);
    second = weights.linear("2", width, width);
  }

  int inWidth() {
    return first.inWidth();
  }

  int width() {
    return second.outWidth();
  }

  /**
   * {@code [B, M] -> [B, E]}.
   *
   * @param x waves of the timesteps, as {@link #waves} makes them, or a label
   * @param residual {@code [B, E]} to be added, or null
   */
  Tensor apply(Ops ops, Tensor x, @Nullable Tensor residual) {
    Tensor h = ops.linear(x, first, Activation.SILU, null); // [B, E]
    return ops.linear(h, second, Activation.NONE, residual);
  }

  /** Cosines of {@code width / 2} frequencies, then their sines. */
  public static HostTensor waves(float[] timesteps, int width) {
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
