package quartet.engine.model.vae;

import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;

/** A network between pixels and latents. Pixels are in about -1..1. Thread: the device's. */
public interface LatentCodec {
  /** Channels of a latent. */
  int latentChannels();

  /** Pixels per latent pixel, in each direction. */
  int scaleFactor();

  /** The most values per pixel that any tensor on the way has. */
  int widestPixel();

  /** Whether {@link #mean} can be asked for. */
  boolean hasEncoder();

  /**
   * Pixels.
   *
   * @param latent {@code [B, h, w, Z]}
   * @return {@code [B, 8h, 8w, 3]}, owned by {@code scope}
   */
  Tensor decode(TensorScope scope, Tensor latent);

  /**
   * Latents.
   *
   * @param pixels {@code [B, 8h, 8w, 3]}
   * @return {@code [B, h, w, Z]}, owned by {@code scope}
   * @throws IllegalStateException without an encoder
   */
  Tensor mean(TensorScope scope, Tensor pixels);

  /** Changes latents before they are uploaded, in place; most need nothing. */
  default void beforeDecoding(float[] latents) {}
}
