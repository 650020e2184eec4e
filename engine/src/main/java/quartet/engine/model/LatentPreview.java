package quartet.engine.model;

import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;

/**
 * A rough picture of latents, one pixel per latent pixel, without a VAE: a linear map to RGB.
 * Source: the factors are a least-squares fit published by the ComfyUI project for Stable Diffusion
 * 1 ({@code SD15.latent_rgb_factors}); they are numbers, not code.
 */
public final class LatentPreview {
  /** Rows are latent channels, columns red, green, blue. */
  private static final float[][] SD15 = {
    {.3512f, .2297f, .3227f},
    {.3250f, .4974f, .2350f},
    {-.2829f, .1762f, .2721f},
    {-.2120f, -.2616f, -.7177f}
  };

  private static final int RGB = 3;

  private LatentPreview() {}

  /** {@code [B, 4, h, w] -> [B, h, w, 3]} in 0..1. */
  public static ImageBatch rgb(LatentBatch latents) {
    if (latents.channels() != SD15.length) {
      throw new IllegalArgumentException(
          "latent of %d channels, expected %d".formatted(latents.channels(), SD15.length));
    }
    int plane = latents.height() * latents.width();
    float[] pixels = new float[latents.batch() * plane * RGB];
    for (int b = 0; b < latents.batch(); b++) {
      for (int p = 0; p < plane; p++) {
        for (int colour = 0; colour < RGB; colour++) {
          float sum = 0;
          for (int c = 0; c < SD15.length; c++) {
            float z = latents.values()[(b * SD15.length + c) * plane + p] * LatentFormat.SD15_SCALE;
            sum += z * SD15[c][colour];
          }
          pixels[(b * plane + p) * RGB + colour] = Math.clamp((sum + 1f) / 2f, 0f, 1f);
        }
      }
    }
    return new ImageBatch(pixels, latents.batch(), latents.height(), latents.width(), RGB);
  }
}
