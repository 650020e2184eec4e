package quartet.engine.model.clip;

import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;

/** One layer: norm, self-attention, norm, MLP, both with residuals. */
public final class ClipLayer {
  private static final float EPSILON = 1e-5f;

  private final int heads;
  private final Activation activation;
  private final boolean causal;
  private final Parameters.Norm norm1;
  private final Parameters.Linear query;
  private final Parameters.Linear key;
  private final Parameters.Linear value;
  private final Parameters.Linear out;
  private final Parameters.Norm norm2;
  private final Parameters.Linear up;
  private final Parameters.Linear down;

  ClipLayer(WeightCursor weights, ClipConfig config) {
    this(weights, config.width(), config.heads(), config.kind().activation(), true);
  }

  /**
   * The layer at {@code weights}.
   *
   * @param activation between the two products of the MLP
   * @param causal whether a token sees only those before it and itself
   */
  public ClipLayer(
      WeightCursor weights, int width, int heads, Activation activation, boolean causal) {
    this.heads = heads;
    this.activation = activation;
    this.causal = causal;
    int feedForward = weights.shape("mlp.fc1.weight").dim(0);
    norm1 = weights.norm("layer_norm1", width);
    query = weights.linear("self_attn.q_proj", width, width);
    key = weights.linear("self_attn.k_proj", width, width);
    value = weights.linear("self_attn.v_proj", width, width);
    out = weights.linear("self_attn.out_proj", width, width);
    norm2 = weights.norm("layer_norm2", width);
    up = weights.linear("mlp.fc1", width, feedForward);
    down = weights.linear("mlp.fc2", feedForward, width);
  }

  /** {@code [B, T, D] -> same}. */
  public Tensor forward(Ops ops, Tensor x) {
    Tensor n = ops.layerNorm(x, norm1, EPSILON);
    Tensor q = ops.linear(n, query, Activation.NONE, null);
    Tensor k = ops.linear(n, key, Activation.NONE, null);
    Tensor v = ops.linear(n, value, Activation.NONE, null);
    // Padding is not masked: the network was trained that way.
    Tensor attended = ops.attention(q, k, v, heads, causal);
    Tensor y = ops.linear(attended, out, Activation.NONE, x);
    n = ops.layerNorm(y, norm2, EPSILON);
    Tensor inner = ops.linear(n, up, activation, null); // [B, T, F]
    return ops.linear(inner, down, Activation.NONE, y); // [B, T, D]
  }
}
