package quartet.engine.model.unet;

import quartet.tensor.Parameters;

/** What a block of the UNet is a list of. */
sealed interface UNetLayer {
  /** Channels it gives. */
  int outChannels();

  /** A residual block. */
  record Residual(ResBlock block) implements UNetLayer {
    @Override
    public int outChannels() {
      return block.outChannels();
    }
  }

  /** A spatial transformer. */
  record Transformer(SpatialTransformer block) implements UNetLayer {
    @Override
    public int outChannels() {
      return block.channels();
    }
  }

  /** A plain or strided convolution. */
  record Convolution(Parameters.Conv2d conv) implements UNetLayer {
    @Override
    public int outChannels() {
      return conv.outChannels();
    }
  }

  /** Nearest-neighbour enlargement to the next skip's size, then a convolution. */
  record Upsample(Parameters.Conv2d conv) implements UNetLayer {
    @Override
    public int outChannels() {
      return conv.outChannels();
    }
  }
}
