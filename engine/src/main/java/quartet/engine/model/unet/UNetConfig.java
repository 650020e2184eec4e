package quartet.engine.model.unet;

import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Shape;

/**
 * The extents of a UNet that its blocks do not show by themselves.
 *
 * @param inChannels of the latent
 * @param modelChannels of the first block
 * @param heads of every attention
 */
public record UNetConfig(int inChannels, int modelChannels, int heads) {
  /** Stable Diffusion 1's number of heads at every width. Source: CompVis v1-inference.yaml. */
  private static final int FAMILY_HEADS = 8;

  /** Reads the shapes of the tensors at {@code weights}. */
  public static UNetConfig read(WeightCursor weights, CheckpointHints hints) {
    Shape first = weights.shape("input_blocks.0.0.weight");
    return new UNetConfig(
        first.dim(1), first.dim(0), hints.positive("num_heads").orElse(FAMILY_HEADS));
  }
}
