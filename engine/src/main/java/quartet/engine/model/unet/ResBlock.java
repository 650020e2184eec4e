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
  private final Parameters.Norm norm2;
  private final Parameters.Conv2d conv2;
  private final Parameters.@Nullable Linear shortcut;

  ResBlock(WeightCursor weights, int in) {
    int out = weights.shape("in_layers.2.weight").dim(0);
    norm1 = weights.norm("in_layers.0", in);
    conv1 = weights.conv("in_layers.2", in, out, Conv2dGeometry.SAME_3X3);
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
   * @param shift {@code [B, Cout]}, what the time adds
   */
  Tensor forward(Ops ops, Tensor x, Tensor shift) {
    Tensor h = ops.groupNorm(x, norm1, GROUPS, EPSILON, Activation.SILU);
    Tensor kept = shortcut == null ? x : ops.linear(x, shortcut, Activation.NONE, null);
    return rest(ops, h, kept, shift);
  }

  /** The same for an input of two parts side by side, which are never joined. */
  Tensor forward(Ops ops, Tensor x, Tensor y, Tensor shift) {
    if (shortcut == null) {
      return forward(ops, ops.concatLast(x, y), shift);
    }
    Tensor h = ops.joinedGroupNorm(x, y, norm1, GROUPS, EPSILON, Activation.SILU);
    return rest(ops, h, ops.joinedLinear(x, y, shortcut), shift);
  }

  private Tensor rest(Ops ops, Tensor normed, Tensor kept, Tensor shift) {
    Tensor h = ops.conv2d(normed, conv1, null); // [B, H, W, Cout]
    h = ops.shiftedGroupNorm(h, shift, norm2, GROUPS, EPSILON, Activation.SILU);
    return ops.conv2d(h, conv2, kept);
  }
}
