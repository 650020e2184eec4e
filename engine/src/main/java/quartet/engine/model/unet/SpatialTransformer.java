package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;

/**
 * Transformer blocks over the pixels as tokens. Source: Rombach et al. 2022, appendix E.2.1;
 * CompVis {@code SpatialTransformer}.
 */
final class SpatialTransformer {
  private static final int GROUPS = 32;
  private static final float EPSILON = 1e-6f;

  private final Parameters.Norm norm;
  private final Parameters.Linear in;
  private final List<TransformerBlock> blocks = new ArrayList<>();
  private final Parameters.Linear out;

  SpatialTransformer(WeightCursor weights, int channels, int heads) {
    norm = weights.norm("norm", channels);
    in = weights.pointwise("proj_in", channels, channels);
    int depth = weights.count("transformer_blocks.%d.norm1.weight");
    for (int n = 0; n < depth; n++) {
      blocks.add(new TransformerBlock(weights.at("transformer_blocks." + n), channels, heads));
    }
    out = weights.pointwise("proj_out", channels, channels);
  }

  int channels() {
    return norm.channels();
  }

  List<TransformerBlock> blocks() {
    return blocks;
  }

  /**
   * {@code [B, H, W, C] -> same}.
   *
   * @param prompts keys and values from this transformer's first block on
   * @param attention among the pixels
   */
  Tensor forward(
      Ops ops, Tensor x, Iterator<PromptContext.KeyValue> prompts, SelfAttention attention) {
    Shape image = x.shape();
    Tensor h = ops.groupNorm(x, norm, GROUPS, EPSILON, Activation.NONE);
    h = ops.linear(h, in, Activation.NONE, null);
    h = ops.reshape(h, Shape.of(x.dim(0), (long) x.dim(1) * x.dim(2), x.dim(3))); // [B, H*W, C]
    for (int n = 0; n < blocks.size(); n++) {
      h = blocks.get(n).forward(ops, h, prompts.next(), attention, n);
    }
    h = ops.reshape(h, image); // [B, H, W, C]
    return ops.linear(h, out, Activation.NONE, x);
  }
}
