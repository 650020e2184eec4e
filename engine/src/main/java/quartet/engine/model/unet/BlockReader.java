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
  private final UNetConfig config;
  private final int embeddingWidth;

  BlockReader(UNetConfig config, int embeddingWidth) {
    this.config = config;
    this.embeddingWidth = embeddingWidth;
  }

  /**
   * The layers at {@code weights}, numbered 0, 1, ….
   *
   * @param in channels that come in
   */
  List<UNetLayer> read(WeightCursor weights, int in) {
    List<UNetLayer> layers = new ArrayList<>();
    int channels = in;
    for (int n = 0; true; n++) {
      WeightCursor at = weights.at(Integer.toString(n));
      UNetLayer layer;
      if (at.has("in_layers.0.weight")) {
        layer = new UNetLayer.Residual(new ResBlock(at, channels, embeddingWidth));
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
