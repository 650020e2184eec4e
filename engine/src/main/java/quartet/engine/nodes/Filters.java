package quartet.engine.nodes;

import java.util.Arrays;
import java.util.Optional;
import quartet.engine.value.HeapRoom;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;

/** What nodes do with the numbers of pictures. */
final class Filters {
  private static final float GREY = 0.5f;

  private Filters() {}

  static ImageBatch with(ImageBatch like, float[] values) {
    return new ImageBatch(values, like.batch(), like.height(), like.width(), like.channels());
  }

  /** With a channel more (opaque) or without alpha. */
  static ImageBatch channels(ImageBatch image, int channels) {
    if (image.channels() == channels) {
      return image;
    }
    int pixels = image.values().length / image.channels();
    float[] out = new float[pixels * channels];
    for (int p = 0; p < pixels; p++) {
      for (int c = 0; c < channels; c++) {
        out[p * channels + c] =
            c < image.channels() ? image.values()[p * image.channels() + c] : 1f;
      }
    }
    return new ImageBatch(out, image.batch(), image.height(), image.width(), channels);
  }

  /** An extent times a factor, at least 1. */
  static int scaled(int extent, double factor) {
    return Math.max(1, (int) Math.rint(extent * factor));
  }

  /** What of a rectangle lies in a picture, at least a pixel: top, left, height, width. */
  static int[] part(int height, int width, int y, int x, int rows, int columns) {
    int top = Math.min(y, height - 1);
    int left = Math.min(x, width - 1);
    return new int[] {top, left, Math.min(rows, height - top), Math.min(columns, width - left)};
  }

  /** A larger picture, and the mask of what is new. */
  record Padded(ImageBatch image, MaskBatch mask) {}

  /** Grey on all sides; the mask fades into the old picture over so many pixels. */
  static Padded padded(ImageBatch image, int left, int top, int right, int bottom, int feathering) {
    int height = image.height() + top + bottom;
    int width = image.width() + left + right;
    int channels = image.channels();
    float[] out = new float[HeapRoom.forFloats(image.batch(), channels, height, width)];
    Arrays.fill(out, GREY);
    for (int b = 0; b < image.batch(); b++) {
      for (int y = 0; y < image.height(); y++) {
        System.arraycopy(
            image.values(),
            (b * image.height() + y) * image.width() * channels,
            out,
            ((b * height + top + y) * width + left) * channels,
            image.width() * channels);
      }
    }
    float[] mask = new float[height * width];
    Arrays.fill(mask, 1f);
    boolean soft =
        feathering > 0 && feathering * 2 < image.height() && feathering * 2 < image.width();
    for (int y = 0; y < image.height(); y++) {
      for (int x = 0; x < image.width(); x++) {
        float value = 0f;
        if (soft) {
          int distanceTop = top == 0 ? image.height() : y;
          int distanceBottom = bottom == 0 ? image.height() : image.height() - y;
          int distanceLeft = left == 0 ? image.width() : x;
          int distanceRight = right == 0 ? image.width() : image.width() - x;
          int nearest =
              Math.min(
                  Math.min(distanceTop, distanceBottom), Math.min(distanceLeft, distanceRight));
          if (nearest < feathering) {
            float share = (float) (feathering - nearest) / feathering;
            value = share * share;
          }
        }
        mask[(top + y) * width + left + x] = value;
      }
    }
    return new Padded(
        new ImageBatch(out, image.batch(), height, width, channels),
        new MaskBatch(mask, 1, height, width));
  }

  /** Source: W3C Compositing and Blending Level 1, section 9, for the modes. */
  static ImageBatch blended(ImageBatch a, ImageBatch b, float factor, String mode) {
    ImageBatch other = channels(b, a.channels());
    int item = a.values().length / a.batch();
    float[] out = new float[a.values().length];
    for (int i = 0; i < out.length; i++) {
      float base = a.values()[i];
      float top = other.values()[i / item % other.batch() * item + i % item];
      float mixed = base * (1 - factor) + blend(base, top, mode) * factor;
      out[i] = Math.clamp(mixed, 0f, 1f);
    }
    return with(a, out);
  }

  private static float blend(float base, float top, String mode) {
    return switch (mode) {
      case "multiply" -> base * top;
      case "screen" -> 1 - (1 - base) * (1 - top);
      case "overlay" -> base <= 0.5f ? 2 * base * top : 1 - 2 * (1 - base) * (1 - top);
      case "soft_light" ->
          top <= 0.5f
              ? base - (1 - 2 * top) * base * (1 - base)
              : base + (2 * top - 1) * (softLight(base) - base);
      case "difference" -> base - top;
      default -> top;
    };
  }

  private static float softLight(float x) {
    return x <= 0.25f ? ((16 * x - 12) * x + 4) * x : (float) Math.sqrt(x);
  }

  /** A Gaussian over {@code 2 * radius + 1} pixels, normalised; edges are mirrored. */
  static ImageBatch blurred(ImageBatch image, int radius, double sigma) {
    return filtered(image, kernel(radius, sigma), radius);
  }

  /** 1 plus the Gaussian's surroundings taken away. Source: ComfyUI {@code Sharpen} (behaviour). */
  static ImageBatch sharpened(ImageBatch image, int radius, double sigma, double alpha) {
    double[] kernel = kernel(radius, sigma);
    int size = 2 * radius + 1;
    double sum = 0;
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] *= -(alpha * 10);
      sum += kernel[i];
    }
    int middle = radius * size + radius;
    kernel[middle] = kernel[middle] - sum + 1.0;
    ImageBatch sharp = filtered(image, kernel, radius);
    for (int i = 0; i < sharp.values().length; i++) {
      sharp.values()[i] = Math.clamp(sharp.values()[i], 0f, 1f);
    }
    return sharp;
  }

  /** Over -1..1, whatever the radius. */
  private static double[] kernel(int radius, double sigma) {
    int size = 2 * radius + 1;
    double[] kernel = new double[size * size];
    double sum = 0;
    for (int i = 0; i < kernel.length; i++) {
      double y = (double) (i / size - radius) / radius;
      double x = (double) (i % size - radius) / radius;
      kernel[i] = Math.exp(-(x * x + y * y) / (2 * sigma * sigma));
      sum += kernel[i];
    }
    for (int i = 0; i < kernel.length; i++) {
      kernel[i] /= sum;
    }
    return kernel;
  }

  private static ImageBatch filtered(ImageBatch image, double[] kernel, int radius) {
    int size = 2 * radius + 1;
    int height = image.height();
    int width = image.width();
    int channels = image.channels();
    float[] out = new float[image.values().length];
    for (int b = 0; b < image.batch(); b++) {
      for (int y = 0; y < height; y++) {
        for (int x = 0; x < width; x++) {
          for (int c = 0; c < channels; c++) {
            double sum = 0;
            for (int k = 0; k < kernel.length; k++) {
              int fromY = mirrored(y + k / size - radius, height);
              int fromX = mirrored(x + k % size - radius, width);
              sum +=
                  kernel[k] * image.values()[((b * height + fromY) * width + fromX) * channels + c];
            }
            out[((b * height + y) * width + x) * channels + c] = (float) sum;
          }
        }
      }
    }
    return with(image, out);
  }

  /** Without the edge itself repeated; again where the picture is smaller than the kernel. */
  private static int mirrored(int at, int size) {
    int i = at;
    while (size > 1 && (i < 0 || i >= size)) {
      i = i < 0 ? -i : 2 * (size - 1) - i;
    }
    return size == 1 ? 0 : i;
  }

  /**
   * One picture onto another.
   *
   * @param share how much of the upper one counts, of its size
   */
  static ImageBatch onto(
      ImageBatch below, ImageBatch above, int left, int top, Optional<MaskBatch> share) {
    float[] out = below.values().clone();
    int channels = below.channels();
    for (int b = 0; b < below.batch(); b++) {
      int item = b % above.batch();
      for (int y = 0; y < above.height() && top + y < below.height(); y++) {
        for (int x = 0; x < above.width() && left + x < below.width(); x++) {
          float part = share.isEmpty() ? 1f : at(share.get(), b, y, x);
          int to = ((b * below.height() + top + y) * below.width() + left + x) * channels;
          int from = ((item * above.height() + y) * above.width() + x) * channels;
          for (int c = 0; c < channels; c++) {
            out[to + c] = above.values()[from + c] * part + out[to + c] * (1f - part);
          }
        }
      }
    }
    return with(below, out);
  }

  private static float at(MaskBatch mask, int item, int y, int x) {
    return mask.values()[(item % mask.batch() * mask.height() + y) * mask.width() + x];
  }
}
