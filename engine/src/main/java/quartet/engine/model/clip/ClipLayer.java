package quartet.engine.model.clip;

import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;

/** One layer: norm, causal self-attention, norm, MLP, both with residuals. */
final class ClipLayer {
  private static final float EPSILON = 1e-5f;

  private final int heads;
  private final Activation activation;
  private final Parameters.Norm norm1;
  private final Parameters.Linear query;
  private final Parameters.Linear key;
  private final Parameters.Linear value;
  private final Parameters.Linear out;
  private final Parameters.Norm norm2;
  private final Parameters.Linear up;
  private final Parameters.Linear down;

  ClipLayer(WeightCursor weights, ClipConfig config) {
    int width = config.width();
    heads = config.heads();
    activation = config.kind().activation();
    norm1 = weights.norm("layer_norm1", width);
    query = weights.linear("self_attn.q_proj", width, width);
    key = weights.linear("self_attn.k_proj", width, width);
    value = weights.linear("self_attn.v_proj", width, width);
    out = weights.linear("self_attn.out_proj", width, width);
    norm2 = weights.norm("layer_norm2", width);
    up = weights.linear("mlp.fc1", width, config.feedForward());
    down = weights.linear("mlp.fc2", config.feedForward(), width);
  }

  /** {@code [B, T, D] -> same}. */
  Tensor forward(Ops ops, Tensor x) {
    Tensor n = ops.layerNorm(x, norm1, EPSILON);
    Tensor q = ops.linear(n, query, Activation.NONE, null);
    Tensor k = ops.linear(n, key, Activation.NONE, null);
    Tensor v = ops.linear(n, value, Activation.NONE, null);
    // Padding is not masked: the network was trained that way.
    Tensor attended = ops.attention(q, k, v, heads, true);
    Tensor y = ops.linear(attended, out, Activation.NONE, x);
    n = ops.layerNorm(y, norm2, EPSILON);
    Tensor inner = ops.linear(n, up, activation, null); // [B, T, F]
    return ops.linear(inner, down, Activation.NONE, y); // [B, T, D]
  }
}
