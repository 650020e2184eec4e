package quartet.engine.model.unet;

import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;

/**
 * Residual block with the time embedding added in its middle. Source: Ho et al. 2020, appendix B;
 * CompVis {@code ResBlock}.
 */
final class ResBlock {
  private static final int GROUPS = 32;
  private static final float EPSILON = 1e-5f;

  private final Parameters.Norm norm1;
  private final Parameters.Conv2d conv1;
  private final Parameters.Linear time;
  private final Parameters.Norm norm2;
  private final Parameters.Conv2d conv2;
  private final Parameters.@Nullable Linear shortcut;

  ResBlock(WeightCursor weights, int in, int embeddingWidth) {
    int out = weights.shape("in_layers.2.weight").dim(0);
    norm1 = weights.norm("in_layers.0", in);
    conv1 = weights.conv("in_layers.2", in, out, Conv2dGeometry.SAME_3X3);
    time = weights.linear("emb_layers.1", embeddingWidth, out);
    norm2 = weights.norm("out_layers.0", out);
    conv2 = weights.conv("out_layers.3", out, out, Conv2dGeometry.SAME_3X3);
    shortcut = in == out ? null : weights.pointwise("skip_connection", in, out);
  }

  int outChannels() {
    return conv2.outChannels();
  }

  /**
   * {@code [B, H, W, Cin] -> [B, H, W, Cout]}.
   *
   * @param embedding {@code [B, E]}, SiLU of the time embedding
   */
  Tensor forward(Ops ops, Tensor x, Tensor embedding) {
    Tensor h = ops.groupNorm(x, norm1, GROUPS, EPSILON, Activation.SILU);
    Tensor kept = shortcut == null ? x : ops.linear(x, shortcut, Activation.NONE, null);
    return rest(ops, h, kept, embedding);
  }

  /** The same for an input of two parts side by side, which are never joined. */
  Tensor forward(Ops ops, Tensor x, Tensor y, Tensor embedding) {
    if (shortcut == null) {
      return forward(ops, ops.concatLast(x, y), embedding);
    }
    Tensor h = ops.joinedGroupNorm(x, y, norm1, GROUPS, EPSILON, Activation.SILU);
    return rest(ops, h, ops.joinedLinear(x, y, shortcut), embedding);
  }

  private Tensor rest(Ops ops, Tensor normed, Tensor kept, Tensor embedding) {
    Tensor h = ops.conv2d(normed, conv1, null); // [B, H, W, Cout]
    Tensor shift = ops.linear(embedding, time, Activation.NONE, null); // [B, Cout]
    h = ops.shiftedGroupNorm(h, shift, norm2, GROUPS, EPSILON, Activation.SILU);
    return ops.conv2d(h, conv2, kept);
  }
}
