package quartet.engine.model.clip;

import quartet.engine.model.blocks.CheckpointHints;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Shape;

/**
 * The extents of a CLIP text transformer.
 *
 * @param width of a token
 * @param positions tokens of a chunk
 */
public record ClipConfig(
    ClipKind kind, int vocabulary, int positions, int width, int layers, int heads) {
  /** Width of a head. Source: Radford et al. 2021, table 19: width = 64 * heads throughout. */
  private static final int HEAD_DIM = 64;

  /** Reads the shapes of the tensors at {@code weights}. */
  public static ClipConfig read(WeightCursor weights, ClipKind kind, CheckpointHints hints) {
    Shape tokens = weights.shape("embeddings.token_embedding.weight");
    int width = tokens.dim(1);
    return new ClipConfig(
        kind,
        tokens.dim(0),
        weights.shape("embeddings.position_embedding.weight").dim(0),
        width,
        weights.count("encoder.layers.%d.layer_norm1.weight"),
        hints.positive("clip_heads").orElse(Math.max(1, width / HEAD_DIM)));
  }
}
