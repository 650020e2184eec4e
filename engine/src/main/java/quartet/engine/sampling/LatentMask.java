package quartet.engine.sampling;

import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;

/** Brings a noise mask to a latent's size. */
final class LatentMask {
  private LatentMask() {}

  /**
   * The mask as {@code [B, H, W, C]}, resized, repeated over channels and, cyclically, over the
   * batch.
   */
  static float[] expand(MaskBatch mask, LatentBatch latent) {
    MaskBatch small = resized(mask, latent.height(), latent.width());
    int plane = latent.height() * latent.width();
    float[] out = new float[latent.values().length];
    int at = 0;
    for (int b = 0; b < latent.batch(); b++) {
      int item = b % mask.batch() * plane;
      for (int p = 0; p < plane; p++) {
        for (int c = 0; c < latent.channels(); c++) {
          out[at++] = small.values()[item + p];
        }
      }
    }
    return out;
  }

  /**
   * The mask at another size, bilinear without antialiasing. Source: PyTorch {@code
   * interpolate(mode="bilinear", align_corners=False)}.
   */
  static MaskBatch resized(MaskBatch mask, int height, int width) {
    float[] out = new float[mask.batch() * height * width];
    int at = 0;
    for (int b = 0; b < mask.batch(); b++) {
      int item = b * mask.height() * mask.width();
      for (int y = 0; y < height; y++) {
        Place row = Place.of(y, height, mask.height());
        for (int x = 0; x < width; x++) {
          Place column = Place.of(x, width, mask.width());
          float top = row(mask, item, row.low(), column);
          float bottom = row(mask, item, row.high(), column);
          out[at++] = top * (1f - row.weight()) + bottom * row.weight();
        }
      }
    }
    return new MaskBatch(out, mask.batch(), height, width);
  }

  private static float row(MaskBatch mask, int item, int y, Place column) {
    int start = item + y * mask.width();
    return mask.values()[start + column.low()] * (1f - column.weight())
        + mask.values()[start + column.high()] * column.weight();
  }

  /** Between which two source pixels a target pixel's centre lies. */
  private record Place(int low, int high, float weight) {
    static Place of(int target, int targetSize, int sourceSize) {
      float scale = (float) sourceSize / targetSize;
      float centre = Math.max(0f, (target + 0.5f) * scale - 0.5f);
      int low = Math.min((int) centre, sourceSize - 1);
      return new Place(low, Math.min(low + 1, sourceSize - 1), centre - low);
    }
  }
}
