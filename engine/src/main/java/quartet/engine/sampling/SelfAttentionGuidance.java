package quartet.engine.sampling;

import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Tensor;

/**
 * A picture blurred where the network looks most, as self-attention guidance pushes away from.
 * Source: Hong et al. 2023, "Improving Sample Quality of Diffusion Models Using Self-Attention
 * Guidance", section 4.3; the map's extents as in ComfyUI {@code create_blur_map} (behaviour).
 */
final class SelfAttentionGuidance {
  /** A latent whose smaller side is no larger has no room for the blur. */
  static final int TOO_SMALL = 4;

  /** A token that gets more attention than it gives is looked at. */
  private static final float THRESHOLD = 1f;

  private static final int REACH = 4;

  private SelfAttentionGuidance() {}

  /**
   * The latents, blurred where a mask of the attention says so.
   *
   * @param x {@code [B, H, W, C]}
   * @param sums {@code [B][T]}, attention that each token of the middle block gets
   */
  static Tensor blurred(Ops ops, Tensor x, float[][] sums, double sigma) {
    int height = x.dim(1);
    int width = x.dim(2);
    int channels = x.dim(3);
    float[] values = ops.download(x);
    float[] out = values.clone();
    int rows = rows(sums[0].length, height, width);
    int columns = sums[0].length / rows;
    float[] taps = taps(sigma);
    for (int b = 0; b < x.dim(0); b++) {
      float[] wide = along(values, b, height, width, channels, taps);
      for (int y = 0; y < height; y++) {
        for (int column = 0; column < width; column++) {
          int token = y * rows / height * columns + column * columns / width;
          if (sums[b][token] > THRESHOLD) {
            for (int c = 0; c < channels; c++) {
              int at = ((b * height + y) * width + column) * channels + c;
              out[at] = vertical(wide, y, column * channels + c, height, width * channels, taps);
            }
          }
        }
      }
    }
    return ops.upload(HostTensor.of(x.shape(), out));
  }

  /** The divisor of the number of tokens that is nearest to the picture's proportions. */
  static int rows(int tokens, int height, int width) {
    int wanted = (int) Math.rint(Math.sqrt((double) height / width * tokens));
    int reach = (int) Math.floor(Math.sqrt(tokens) / 2);
    for (int i = 0; i < reach; i++) {
      if (tokens % (wanted + i) == 0) {
        return wanted + i;
      }
      if (tokens % Math.max(1, wanted - i) == 0) {
        return Math.max(1, wanted - i);
      }
    }
    return tokens % Math.max(1, wanted) == 0 ? Math.max(1, wanted) : 1;
  }

  /** A normal distribution's density over nine places; no blur for a deviation of 0. */
  private static float[] taps(double sigma) {
    float[] taps = new float[2 * REACH + 1];
    if (sigma == 0) {
      taps[REACH] = 1f;
      return taps;
    }
    float sum = 0;
    for (int i = 0; i < taps.length; i++) {
      double z = (i - REACH) / sigma;
      taps[i] = (float) Math.exp(-0.5 * z * z);
      sum += taps[i];
    }
    for (int i = 0; i < taps.length; i++) {
      taps[i] /= sum;
    }
    return taps;
  }

  /** One item blurred along its rows; beyond its edges it is mirrored. */
  private static float[] along(
      float[] values, int item, int height, int width, int channels, float[] taps) {
    float[] out = new float[height * width * channels];
    for (int y = 0; y < height; y++) {
      int row = (item * height + y) * width;
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          for (int k = -REACH; k <= REACH; k++) {
            sum += taps[k + REACH] * values[(row + mirrored(x + k, width)) * channels + c];
          }
          out[(y * width + x) * channels + c] = sum;
        }
      }
    }
    return out;
  }

  private static float vertical(
      float[] rows, int y, int column, int height, int rowLength, float[] taps) {
    float sum = 0;
    for (int k = -REACH; k <= REACH; k++) {
      sum += taps[k + REACH] * rows[mirrored(y + k, height) * rowLength + column];
    }
    return sum;
  }

  private static int mirrored(int at, int extent) {
    int last = extent - 1;
    return at < 0 ? -at : at > last ? 2 * last - at : at;
  }
}
