package quartet.engine.model.unet;

import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Shape;

/**
 * The extents of a UNet that its blocks do not show by themselves.
 *
 * @param inChannels of the input: the latent, and what is put beside it
 * @param modelChannels of the first block
 * @param heads of every attention, or 0 if the width of a head is given instead
 * @param headWidth of every attention, or 0
 */
public record UNetConfig(int inChannels, int modelChannels, int heads, int headWidth) {
  /** Stable Diffusion 1's number of heads at every width. Source: CompVis v1-inference.yaml. */
  private static final int FAMILY_HEADS = 8;

  /**
   * Width of a head since Stable Diffusion 2, whose projections are matrices. Source: Stability-AI
   * v2-inference.yaml and sd_xl_base.yaml, {@code num_head_channels}.
   */
  private static final int FAMILY_HEAD_WIDTH = 64;

  /** A feed-forward layer is four times as wide as its block, and its gate once more. */
  private static final int GATED_WIDTH = 8;

  /** The most values per latent pixel that any tensor has. */
  public int widestPixel() {
    return modelChannels * GATED_WIDTH;
  }

  /** Reads the shapes of the tensors at {@code weights}. */
  public static UNetConfig read(
      WeightCursor weights, boolean linearProjections, CheckpointHints hints) {
    Shape first = weights.shape("input_blocks.0.0.weight");
    int width =
        hints.positive("num_head_channels").orElse(linearProjections ? FAMILY_HEAD_WIDTH : 0);
    int heads = hints.positive("num_heads").orElse(width > 0 ? 0 : FAMILY_HEADS);
    return new UNetConfig(first.dim(1), first.dim(0), heads, heads > 0 ? 0 : width);
  }

  /** Heads of an attention of that width. */
  int headsOf(int width) {
    return heads > 0 ? heads : Math.max(1, width / headWidth);
  }
}
