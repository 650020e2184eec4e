package quartet.engine.model.unet;

import java.util.ArrayList;
import java.util.List;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Conv2dGeometry;

/**
 * Reads a block's layers by the names they have in the file, so that depths, widths and the places
 * of transformers come from the checkpoint and not from a table.
 */
final class BlockReader {
  private final WeightCursor root;
  private final UNetConfig config;
  private final List<String> timeProjections = new ArrayList<>();

  BlockReader(WeightCursor root, UNetConfig config) {
    this.root = root;
    this.config = config;
  }

  /** Names of the projections of the time in all residual blocks read so far, in their order. */
  List<String> timeProjections() {
    return List.copyOf(timeProjections);
  }

  /**
   * The layers of a block, numbered 0, 1, ….
   *
   * @param block as {@code input_blocks.3}
   * @param in channels that come in
   */
  List<UNetLayer> read(String block, int in) {
    WeightCursor weights = root.at(block);
    List<UNetLayer> layers = new ArrayList<>();
    int channels = in;
    for (int n = 0; true; n++) {
      WeightCursor at = weights.at(Integer.toString(n));
      UNetLayer layer;
      if (at.has("in_layers.0.weight")) {
        layer = new UNetLayer.Residual(new ResBlock(at, channels));
        timeProjections.add("%s.%d.emb_layers.1".formatted(block, n));
      } else if (at.has("transformer_blocks.0.norm1.weight")) {
        layer =
            new UNetLayer.Transformer(
                new SpatialTransformer(at, channels, config.headsOf(channels)));
      } else if (at.has("op.weight")) {
        layer =
            new UNetLayer.Convolution(at.conv("op", channels, channels, Conv2dGeometry.DOWN_3X3));
      } else if (at.has("conv.weight")) {
        layer =
            new UNetLayer.Upsample(at.conv("conv", channels, channels, Conv2dGeometry.SAME_3X3));
      } else if (at.has("weight")) {
        layer =
            new UNetLayer.Convolution(
                weights.conv(
                    Integer.toString(n), in, config.modelChannels(), Conv2dGeometry.SAME_3X3));
      } else {
        return layers;
      }
      layers.add(layer);
      channels = layer.outChannels();
    }
  }
}
