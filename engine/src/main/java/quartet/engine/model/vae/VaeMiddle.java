package quartet.engine.model.vae;

import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * The lowest level: a residual block, attention over all pixels with a single head, a residual
 * block. Source: CompVis {@code AttnBlock}.
 */
final class VaeMiddle {
  private final VaeResBlock before;
  private final Parameters.Norm norm;
  private final Parameters.Linear query;
  private final Parameters.Linear key;
  private final Parameters.Linear value;
  private final Parameters.Linear out;
  private final VaeResBlock after;

  VaeMiddle(WeightCursor weights, int channels) {
    before = new VaeResBlock(weights.at("block_1"), channels);
    WeightCursor attention = weights.at("attn_1");
    norm = attention.norm("norm", channels);
    query = attention.pointwise("q", channels, channels);
    key = attention.pointwise("k", channels, channels);
    value = attention.pointwise("v", channels, channels);
    out = attention.pointwise("proj_out", channels, channels);
    after = new VaeResBlock(weights.at("block_2"), channels);
  }

  void forward(Relay h) {
    h.then("block_1", before::forward).then("attn_1", this::attend).then("block_2", after::forward);
  }

  /** {@code [B, H, W, C] -> same}. */
  private Tensor attend(Ops ops, Tensor x) {
    Shape image = x.shape();
    Tensor n = ops.groupNorm(x, norm, Autoencoder.GROUPS, Autoencoder.EPSILON, Activation.NONE);
    n = ops.reshape(n, Shape.of(x.dim(0), (long) x.dim(1) * x.dim(2), x.dim(3))); // [B, H*W, C]
    Tensor attended =
        ops.attention(
            ops.linear(n, query, Activation.NONE, null),
            ops.linear(n, key, Activation.NONE, null),
            ops.linear(n, value, Activation.NONE, null),
            1,
            false);
    return ops.linear(ops.reshape(attended, image), out, Activation.NONE, x); // [B, H, W, C]
  }
}
