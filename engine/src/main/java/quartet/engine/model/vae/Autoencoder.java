package quartet.engine.model.vae;

import org.jspecify.annotations.Nullable;
import quartet.engine.model.blocks.Relay;
import quartet.engine.model.blocks.WeightCursor;
import quartet.tensor.Conv2dGeometry;
import quartet.tensor.Parameters;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/**
 * Encoder and decoder with the 1x1 convolutions around the latents. Source: Rombach et al. 2022,
 * section 3.1; CompVis {@code AutoencoderKL}.
 */
public final class Autoencoder implements LatentCodec {
  static final int GROUPS = 32;
  static final float EPSILON = 1e-6f;

  private final int latentChannels;
  private final Parameters.Conv2d postQuant;
  private final VaeDecoder decoder;
  private final @Nullable VaeEncoder encoder;
  private final Parameters.@Nullable Conv2d quant;

  /** Loads both halves at {@code weights}; a file pruned to the decoder has no encoder. */
  public Autoencoder(WeightCursor weights) {
    latentChannels = weights.shape("post_quant_conv.weight").dim(1);
    int inner = weights.shape("post_quant_conv.weight").dim(0);
    postQuant = weights.conv("post_quant_conv", latentChannels, inner, Conv2dGeometry.POINTWISE);
    decoder = new VaeDecoder(weights.at("decoder"), inner);
    if (weights.has("encoder.conv_in.weight")) {
      encoder = new VaeEncoder(weights.at("encoder"));
      quant =
          weights.conv(
              "quant_conv",
              weights.shape("quant_conv.weight").dim(1),
              2 * latentChannels,
              Conv2dGeometry.POINTWISE);
    } else {
      encoder = null;
      quant = null;
    }
  }

  @Override
  public int latentChannels() {
    return latentChannels;
  }

  @Override
  public int scaleFactor() {
    return decoder.scaleFactor();
  }

  @Override
  public int widestPixel() {
    return decoder.widestPixel();
  }

  @Override
  public boolean hasEncoder() {
    return encoder != null;
  }

  @Override
  public Tensor decode(TensorScope scope, Tensor latent) {
    try (Relay h = new Relay(scope, latent)) {
      h.then("post_quant_conv", (ops, x) -> ops.conv2d(x, postQuant, null));
      decoder.forward(h);
      return h.finish();
    }
  }

  @Override
  public Tensor mean(TensorScope scope, Tensor pixels) {
    try (TensorScope call = scope.child("mean")) {
      Tensor both = moments(call, pixels); // [B, h, w, 2Z]
      return call.handOver(call.ops().sliceLast(both, 0, latentChannels));
    }
  }

  /**
   * Mean, then log variance.
   *
   * @param pixels {@code [B, 8h, 8w, 3]} in -1..1
   * @return {@code [B, h, w, 2Z]}, owned by {@code scope}
   * @throws IllegalStateException without an encoder
   */
  public Tensor moments(TensorScope scope, Tensor pixels) {
    if (encoder == null || quant == null) {
      throw new IllegalStateException("this autoencoder has no encoder");
    }
    Parameters.Conv2d last = quant;
    try (Relay h = new Relay(scope, pixels)) {
      encoder.forward(h);
      h.then("quant_conv", (ops, x) -> ops.conv2d(x, last, null));
      return h.finish();
    }
  }
}
