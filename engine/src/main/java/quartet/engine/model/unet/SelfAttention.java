package quartet.engine.model.unet;

import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/** How the tokens of a transformer block attend to each other. */
@FunctionalInterface
public interface SelfAttention {
  /** As trained. */
  SelfAttention PLAIN = (ops, joined, heads, block) -> ops.selfAttention(joined, heads, false);

  /**
   * Each token attends to itself alone. Source: Ahn et al. 2024, "Self-Rectifying Diffusion
   * Sampling with Perturbed-Attention Guidance", section 4.1.
   */
  SelfAttention OWN_VALUES =
      (ops, joined, heads, block) -> ops.sliceLast(joined, 2 * width(joined), 3 * width(joined));

  /**
   * What the tokens take from each other.
   *
   * @param joined {@code [B, T, 3*N*S]}: queries, keys, values side by side
   * @param heads N
   * @param block its number within its spatial transformer
   * @return {@code [B, T, N*S]}
   */
  Tensor apply(Ops ops, Tensor joined, int heads, int block);

  /** N*S. */
  static int width(Tensor joined) {
    return joined.dim(-1) / 3;
  }
}
