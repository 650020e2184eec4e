package quartet.engine.model.unet;

import java.util.List;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Activation;
import quartet.tensor.Ops;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;

/**
 * Self-attention, attention to the prompt, gated MLP, each with norm and residual. Source: Rombach
 * et al. 2022, appendix E.2.1; CompVis {@code BasicTransformerBlock}.
 */
final class TransformerBlock {
  private static final float EPSILON = 1e-5f;

  private final int heads;
  private final Parameters.Norm norm1;
  private final Parameters.Linear joined1;
  private final Parameters.Linear out1;
  private final Parameters.Norm norm2;
  private final Parameters.Linear query2;
  private final Parameters.Linear key2;
  private final Parameters.Linear value2;
  private final Parameters.Linear out2;
  private final Parameters.Norm norm3;
  private final Parameters.Linear gated;
  private final Parameters.Linear down;

  TransformerBlock(WeightCursor weights, int width, int heads) {
    this.heads = heads;
    int context = weights.shape("attn2.to_k.weight").dim(1);
    norm1 = weights.norm("norm1", width);
    joined1 =
        weights.linearsWithoutBias(List.of("attn1.to_q", "attn1.to_k", "attn1.to_v"), width, width);
    out1 = weights.linear("attn1.to_out.0", width, width);
    norm2 = weights.norm("norm2", width);
    query2 = weights.linearWithoutBias("attn2.to_q", width, width);
    key2 = weights.linearWithoutBias("attn2.to_k", context, width);
    value2 = weights.linearWithoutBias("attn2.to_v", context, width);
    out2 = weights.linear("attn2.to_out.0", width, width);
    norm3 = weights.norm("norm3", width);
    int inner = weights.shape("ff.net.2.weight").dim(1);
    gated = weights.linear("ff.net.0.proj", width, 2 * inner);
    down = weights.linear("ff.net.2", inner, width);
  }

  /** Width of the prompt's tokens it attends to. */
  int contextWidth() {
    return key2.inWidth();
  }

  /**
   * What attention to the prompt needs of the prompt; the same in every step of a run.
   *
   * @param context {@code [B, U, E]}
   */
  PromptContext.KeyValue project(Ops ops, Tensor context) {
    return new PromptContext.KeyValue(
        ops.linear(context, key2, Activation.NONE, null), // [B, U, D]
        ops.linear(context, value2, Activation.NONE, null)); // [B, U, D]
  }

  /**
   * {@code [B, T, D] -> same}.
   *
   * @param attention among the tokens
   * @param number of this block within its spatial transformer
   */
  Tensor forward(
      Ops ops, Tensor x, PromptContext.KeyValue prompt, SelfAttention attention, int number) {
    Tensor n = ops.layerNorm(x, norm1, EPSILON);
    Tensor joined = ops.linear(n, joined1, Activation.NONE, null); // [B, T, 3D]
    Tensor attended = attention.apply(ops, joined, heads, number); // [B, T, D]
    Tensor h = ops.linear(attended, out1, Activation.NONE, x);
    n = ops.layerNorm(h, norm2, EPSILON);
    Tensor query = ops.linear(n, query2, Activation.NONE, null);
    attended = ops.attention(query, prompt.key(), prompt.value(), heads, false);
    h = ops.linear(attended, out2, Activation.NONE, h);
    n = ops.layerNorm(h, norm3, EPSILON);
    Tensor inner = ops.linearGeglu(n, gated); // [B, T, 4D]
    return ops.linear(inner, down, Activation.NONE, h); // [B, T, D]
  }
}
