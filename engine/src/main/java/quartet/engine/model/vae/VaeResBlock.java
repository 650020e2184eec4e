package quartet.engine.model.vae;

import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;

/** Residual block without time. Source: CompVis {@code ResnetBlock}. */
final class VaeResBlock {
  private final Parameters.Norm norm1;
  private final Parameters.Conv2d conv1;
  private final Parameters.Norm norm2;
  private final Parameters.Conv2d conv2;
  private final Parameters.@Nullable Conv2d shortcut;

  VaeResBlock(WeightCursor weights, int in) {
    int out = weights.shape("conv1.weight").dim(0);
    norm1 = weights.norm("norm1", in);
    conv1 = weights.conv("conv1", in, out, Conv2dGeometry.SAME_3X3);
    norm2 = weights.norm("norm2", out);
    conv2 = weights.conv("conv2", out, out, Conv2dGeometry.SAME_3X3);
    shortcut = in == out ? null : weights.conv("nin_shortcut", in, out, Conv2dGeometry.POINTWISE);
  }

  int outChannels() {
    return conv2.outChannels();
  }

  /** {@code [B, H, W, Cin] -> [B, H, W, Cout]}. */
  Tensor forward(Ops ops, Tensor x) {
    Tensor h = ops.groupNorm(x, norm1, Autoencoder.GROUPS, Autoencoder.EPSILON, Activation.SILU);
    h = ops.conv2d(h, conv1, null); // [B, H, W, Cout]
    h = ops.groupNorm(h, norm2, Autoencoder.GROUPS, Autoencoder.EPSILON, Activation.SILU);
    return ops.conv2d(h, conv2, shortcut == null ? x : ops.conv2d(x, shortcut, null));
  }
}
