package quartet.engine.nodes;

import org.jspecify.annotations.Nullable;
import quartet.engine.value.MaskBatch;
import quartet.image.Resize;
import quartet.image.ResizeMethod;

/** What nodes do with the numbers of masks. */
final class Masks {
  private Masks() {}

  /** Bilinear, without antialiasing. */
  static MaskBatch resized(MaskBatch mask, int height, int width) {
    float[] values =
        Resize.apply(
            ResizeMethod.BILINEAR,
            mask.values(),
            mask.batch(),
            mask.height(),
            mask.width(),
            1,
            height,
            width);
    return new MaskBatch(values, mask.batch(), height, width);
  }

  static @Nullable MaskBatch repeated(@Nullable MaskBatch mask, int times) {
    if (mask == null || mask.batch() == 1) {
      return mask;
    }
    float[] out = new float[mask.values().length * times];
    for (int n = 0; n < times; n++) {
      System.arraycopy(mask.values(), 0, out, n * mask.values().length, mask.values().length);
    }
    return new MaskBatch(out, mask.batch() * times, mask.height(), mask.width());
  }

  static @Nullable MaskBatch part(@Nullable MaskBatch mask, int start, int count) {
    if (mask == null || mask.batch() == 1) {
      return mask;
    }
    int item = mask.height() * mask.width();
    float[] out = new float[count * item];
    for (int n = 0; n < count; n++) {
      System.arraycopy(mask.values(), (start + n) % mask.batch() * item, out, n * item, item);
    }
    return new MaskBatch(out, count, mask.height(), mask.width());
  }

  /** A number to another. */
  @FunctionalInterface
  interface Change {
    float apply(float value);
  }

  static MaskBatch map(MaskBatch mask, Change change) {
    float[] out = new float[mask.values().length];
    for (int i = 0; i < out.length; i++) {
      out[i] = change.apply(mask.values()[i]);
    }
    return new MaskBatch(out, mask.batch(), mask.height(), mask.width());
  }

  /**
   * Grows ({@code steps > 0}) or shrinks by a pixel at a time; with tapered corners a pixel's
   * diagonal neighbours do not count.
   */
  static MaskBatch grown(MaskBatch mask, int steps, boolean tapered) {
    float[] now = mask.values();
    for (int n = 0; n < Math.abs(steps); n++) {
      now = grownOnce(mask, now, steps > 0, tapered);
    }
    return new MaskBatch(now, mask.batch(), mask.height(), mask.width());
  }

  private static float[] grownOnce(MaskBatch mask, float[] from, boolean grow, boolean tapered) {
    int height = mask.height();
    int width = mask.width();
    float[] out = new float[from.length];
    for (int i = 0; i < out.length; i++) {
      int x = i % width;
      int y = i / width % height;
      int item = i / (width * height) * height;
      float best = from[i];
      for (int dy = -1; dy <= 1; dy++) {
        for (int dx = -1; dx <= 1; dx++) {
          boolean corner = dx != 0 && dy != 0;
          // Beyond the edge the mask is mirrored, so the edge itself does not eat into it.
          int ny = Math.clamp(y + dy, 0, height - 1);
          int nx = Math.clamp(x + dx, 0, width - 1);
          if (!(tapered && corner)) {
            float value = from[(item + ny) * width + nx];
            best = grow ? Math.max(best, value) : Math.min(best, value);
          }
        }
      }
      out[i] = best;
    }
    return out;
  }

  /** Falls off towards the edges over so many pixels. */
  static MaskBatch feathered(MaskBatch mask, int left, int top, int right, int bottom) {
    int height = mask.height();
    int width = mask.width();
    int l = Math.min(left, width);
    int r = Math.min(right, width);
    int t = Math.min(top, height);
    int b = Math.min(bottom, height);
    float[] out = mask.values().clone();
    for (int i = 0; i < out.length; i++) {
      int x = i % width;
      int y = i / width % height;
      out[i] *= x < l ? (x + 1f) / l : 1f;
      out[i] *= width - 1 - x < r ? (float) (width - x) / r : 1f;
      out[i] *= y < t ? (y + 1f) / t : 1f;
      out[i] *= height - 1 - y < b ? (float) (height - y) / b : 1f;
    }
    return new MaskBatch(out, mask.batch(), height, width);
  }
}
