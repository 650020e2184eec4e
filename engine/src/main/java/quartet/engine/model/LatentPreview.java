package quartet.engine.model;

import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;

/** A rough picture of latents, one pixel per latent pixel, without a VAE: a linear map to RGB. */
public final class LatentPreview {
  private static final int RGB = 3;

  private LatentPreview() {}

  /** {@code [B, C, h, w] -> [B, h, w, 3]} in 0..1. */
  public static ImageBatch rgb(LatentBatch latents, LatentFormat format) {
    if (latents.channels() != format.channels()) {
      throw new IllegalArgumentException(
          "latent of %d channels, expected %d".formatted(latents.channels(), format.channels()));
    }
    int plane = latents.height() * latents.width();
    float[] pixels = new float[latents.batch() * plane * RGB];
    for (int b = 0; b < latents.batch(); b++) {
      for (int p = 0; p < plane; p++) {
        for (int colour = 0; colour < RGB; colour++) {
          float sum = format.bias().get(colour);
          for (int c = 0; c < format.channels(); c++) {
            float z = latents.values()[(b * format.channels() + c) * plane + p] * format.scale();
            sum += z * format.rgb().get(c).get(colour);
          }
          pixels[(b * plane + p) * RGB + colour] = Math.clamp((sum + 1f) / 2f, 0f, 1f);
        }
      }
    }
    return new ImageBatch(pixels, latents.batch(), latents.height(), latents.width(), RGB);
  }
}
