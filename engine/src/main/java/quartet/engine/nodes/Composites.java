package quartet.engine.nodes;

import org.jspecify.annotations.Nullable;
import quartet.engine.value.LatentBatch;

/** What nodes do with the numbers of latents. */
final class Composites {
  private Composites() {}

  /**
   * One latent onto another.
   *
   * @param share how much of the upper one counts, {@code [n, h, w]} of it, or null for all
   */
  static LatentBatch onto(
      LatentBatch below, LatentBatch above, int left, int top, float @Nullable [] share) {
    if (below.channels() != above.channels()) {
      throw new IllegalArgumentException(
          "latents of %d and %d channels cannot be put together"
              .formatted(below.channels(), above.channels()));
    }
    float[] out = below.values().clone();
    int plane = above.height() * above.width();
    int shares = share == null ? 0 : share.length / plane;
    for (int b = 0; b < below.batch(); b++) {
      int item = b % above.batch();
      for (int c = 0; c < below.channels(); c++) {
        for (int y = 0; y < above.height() && top + y < below.height(); y++) {
          for (int x = 0; x < above.width() && left + x < below.width(); x++) {
            int to =
                ((b * below.channels() + c) * below.height() + top + y) * below.width() + left + x;
            float value =
                above.values()[(item * above.channels() + c) * plane + y * above.width() + x];
            float part = share == null ? 1f : share[b % shares * plane + y * above.width() + x];
            out[to] = value * part + out[to] * (1f - part);
          }
        }
      }
    }
    return below.withValues(out);
  }

  /** Falls off towards those edges that lie inside the lower latent. */
  static float[] feathered(LatentBatch below, LatentBatch above, int left, int top, int feather) {
    float[] share = new float[above.height() * above.width()];
    java.util.Arrays.fill(share, 1f);
    for (int t = 0; t < feather; t++) {
      float factor = (t + 1f) / feather;
      for (int i = 0; i < share.length; i++) {
        int y = i / above.width();
        int x = i % above.width();
        boolean atTop = top != 0 && y == t;
        boolean atBottom = top + above.height() < below.height() && y == above.height() - 1 - t;
        boolean atLeft = left != 0 && x == t;
        boolean atRight = left + above.width() < below.width() && x == above.width() - 1 - t;
        share[i] *= atTop ? factor : 1f;
        share[i] *= atBottom ? factor : 1f;
        share[i] *= atLeft ? factor : 1f;
        share[i] *= atRight ? factor : 1f;
      }
    }
    return share;
  }

  /** A quarter turn clockwise. */
  static LatentBatch turned(LatentBatch latent) {
    int height = latent.height();
    int width = latent.width();
    float[] out = new float[latent.values().length];
    int planes = latent.batch() * latent.channels();
    for (int p = 0; p < planes; p++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          out[(p * width + x) * height + height - 1 - y] =
              latent.values()[(p * height + y) * width + x];
        }
      }
    }
    return new LatentBatch(
        out,
        latent.batch(),
        latent.channels(),
        /* height= */ width,
        /* width= */ height,
        latent.noiseMask(),
        latent.batchIndex());
  }

  static LatentBatch flipped(LatentBatch latent, boolean vertically) {
    int height = latent.height();
    int width = latent.width();
    float[] out = new float[latent.values().length];
    for (int i = 0; i < out.length; i++) {
      int x = i % width;
      int y = i / width % height;
      int plane = i / (width * height);
      int fromY = vertically ? height - 1 - y : y;
      int fromX = vertically ? x : width - 1 - x;
      out[i] = latent.values()[(plane * height + fromY) * width + fromX];
    }
    return latent.withValues(out);
  }

  static LatentBatch cut(LatentBatch latent, int top, int left, int height, int width) {
    int planes = latent.batch() * latent.channels();
    float[] out =
        quartet.image.Resize.crop(
            latent.values(),
            planes,
            latent.height(),
            latent.width(),
            1,
            new int[] {top, left, height, width});
    return new LatentBatch(
        out,
        latent.batch(),
        latent.channels(),
        height,
        width,
        latent.noiseMask(),
        latent.batchIndex());
  }

  /**
   * Directions (over the channels of each place) and lengths mixed apart. Source: ComfyUI {@code
   * LatentInterpolate} (behaviour).
   */
  static LatentBatch interpolated(LatentBatch first, LatentBatch second, float ratio) {
    int plane = first.height() * first.width();
    float[] out = new float[first.values().length];
    for (int b = 0; b < first.batch(); b++) {
      for (int p = 0; p < plane; p++) {
        int at = b * first.channels() * plane + p;
        double lengthA = length(first, at, plane);
        double lengthB = length(second, at, plane);
        double mixed = 0;
        for (int c = 0; c < first.channels(); c++) {
          int i = at + c * plane;
          double a = lengthA == 0 ? 0 : first.values()[i] / lengthA;
          double d = lengthB == 0 ? 0 : second.values()[i] / lengthB;
          out[i] = (float) (a * ratio + d * (1 - ratio));
          mixed += (double) out[i] * out[i];
        }
        double scale =
            mixed == 0 ? 0 : (lengthA * ratio + lengthB * (1 - ratio)) / Math.sqrt(mixed);
        for (int c = 0; c < first.channels(); c++) {
          out[at + c * plane] *= (float) scale;
        }
      }
    }
    return first.withValues(out);
  }

  private static double length(LatentBatch latent, int at, int plane) {
    double sum = 0;
    for (int c = 0; c < latent.channels(); c++) {
      double value = latent.values()[at + c * plane];
      sum += value * value;
    }
    return Math.sqrt(sum);
  }
}
