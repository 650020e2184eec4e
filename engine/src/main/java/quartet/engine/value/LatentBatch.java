package quartet.engine.value;

import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * Latents on the wire's terms: {@code [B, C, H, W]}, divided by the model's latent scale (so a VAE
 * takes them as they are).
 *
 * @param values {@code batch*channels*height*width} floats, width innermost; not to be written to
 * @param noiseMask where sampling may change the latent, or null for everywhere
 * @param batchIndex which draw of the seed each item gets, or null for 0, 1, 2, …
 */
@SuppressWarnings(
    "ArrayRecordComponent") // identity is enough: values are never compared, only passed on
public record LatentBatch(
    float[] values,
    int batch,
    int channels,
    int height,
    int width,
    @Nullable MaskBatch noiseMask,
    @Nullable List<Integer> batchIndex) {
  /** Checks the length. */
  public LatentBatch {
    if (values.length != (long) batch * channels * height * width) {
      throw new IllegalArgumentException(
          "latent [%d, %d, %d, %d] needs %d values, got %d"
              .formatted(
                  batch,
                  channels,
                  height,
                  width,
                  (long) batch * channels * height * width,
                  values.length));
    }
  }

  /** A latent of zeros. */
  public static LatentBatch zeros(int batch, int channels, int height, int width) {
    return new LatentBatch(
        new float[Math.toIntExact((long) batch * channels * height * width)],
        batch,
        channels,
        height,
        width,
        null,
        null);
  }

  /** Whether there is nothing but zeros in it. */
  public boolean isEmpty() {
    for (float value : values) {
      if (value != 0f) {
        return false;
      }
    }
    return true;
  }

  /** The same place and mask with other numbers of the same count. */
  public LatentBatch withValues(float[] other) {
    return new LatentBatch(other, batch, channels, height, width, noiseMask, batchIndex);
  }
}
