package quartet.engine.model.vae;

import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/** No network at all: a latent is the picture itself, for models that work on pixels. */
public final class PixelSpace implements LatentCodec {
  private static final int RGB = 3;

  @Override
  public int latentChannels() {
    return RGB;
  }

  @Override
  public int scaleFactor() {
    return 1;
  }

  @Override
  public int widestPixel() {
    return RGB;
  }

  @Override
  public boolean hasEncoder() {
    return true;
  }

  @Override
  public Tensor decode(TensorScope scope, Tensor latent) {
    return scope.ops().affine(latent, 1f, 0f);
  }

  @Override
  public Tensor mean(TensorScope scope, Tensor pixels) {
    return scope.ops().affine(pixels, 1f, 0f);
  }
}
