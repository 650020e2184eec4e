package quartet.engine.model.upscale;

import java.util.ArrayList;
import java.util.List;

/**
 * A large picture out of overlapping tiles that fade into each other at their edges. Source:
 * ComfyUI {@code tiled_scale} (behaviour).
 *
 * <p>Pictures are {@code [H, W, C]} on the host.
 */
public final class Tiles {
  private Tiles() {}

  /** A picture. */
  @SuppressWarnings("ArrayRecordComponent") // passed on, never compared
  public record Picture(float[] values, int height, int width, int channels) {}

  /** What is done to one tile. */
  @FunctionalInterface
  public interface Work {
    /** The tile's result, larger or smaller by the scale. */
    Picture apply(Picture tile);
  }

  /**
   * Runs over all tiles.
   *
   * @param tileHeight of a tile, in the source's pixels
   * @param overlap of neighbouring tiles, in the source's pixels
   * @param scale from source to result
   * @param channels of the result
   */
  public static float[] run(
      Picture source,
      int tileHeight,
      int tileWidth,
      int overlap,
      double scale,
      int channels,
      Work work) {
    int height = (int) Math.round(source.height() * scale);
    int width = (int) Math.round(source.width() * scale);
    if (source.height() <= tileHeight && source.width() <= tileWidth) {
      return work.apply(source).values();
    }
    float[] sum = new float[height * width * channels];
    float[] weights = new float[height * width];
    int fade = (int) Math.round(overlap * scale);
    for (int y : starts(source.height(), tileHeight, overlap)) {
      for (int x : starts(source.width(), tileWidth, overlap)) {
        int top = Math.max(0, Math.min(source.height() - overlap, y));
        int left = Math.max(0, Math.min(source.width() - overlap, x));
        int h = Math.min(tileHeight, source.height() - top);
        int w = Math.min(tileWidth, source.width() - left);
        Picture done = work.apply(cut(source, top, left, h, w));
        add(
            done,
            (int) Math.round(top * scale),
            (int) Math.round(left * scale),
            fade,
            sum,
            weights,
            width,
            height);
      }
    }
    for (int p = 0; p < weights.length; p++) {
      for (int c = 0; c < channels; c++) {
        sum[p * channels + c] /= weights[p];
      }
    }
    return sum;
  }

  /** Where tiles begin along one extent. */
  static List<Integer> starts(int size, int tile, int overlap) {
    if (size <= tile) {
      return List.of(0);
    }
    List<Integer> starts = new ArrayList<>();
    for (int at = 0; at < size - overlap; at += tile - overlap) {
      starts.add(at);
    }
    return starts;
  }

  private static Picture cut(Picture source, int top, int left, int height, int width) {
    int channels = source.channels();
    float[] out = new float[height * width * channels];
    for (int y = 0; y < height; y++) {
      System.arraycopy(
          source.values(),
          ((top + y) * source.width() + left) * channels,
          out,
          y * width * channels,
          width * channels);
    }
    return new Picture(out, height, width, channels);
  }

  private static void add(
      Picture tile,
      int top,
      int left,
      int fade,
      float[] sum,
      float[] weights,
      int width,
      int height) {
    float[] rows = fade(tile.height(), fade);
    float[] columns = fade(tile.width(), fade);
    int channels = tile.channels();
    for (int y = 0; y < tile.height() && top + y < height; y++) {
      for (int x = 0; x < tile.width() && left + x < width; x++) {
        float weight = rows[y] * columns[x];
        int place = (top + y) * width + left + x;
        weights[place] += weight;
        for (int c = 0; c < channels; c++) {
          sum[place * channels + c] +=
              weight * tile.values()[(y * tile.width() + x) * channels + c];
        }
      }
    }
  }

  /** Rises over the overlap at both ends; a tile no longer than that does not fade. */
  private static float[] fade(int length, int over) {
    float[] factors = new float[length];
    java.util.Arrays.fill(factors, 1f);
    if (over >= length) {
      return factors;
    }
    for (int t = 0; t < over; t++) {
      float factor = (t + 1f) / over;
      factors[t] *= factor;
      factors[length - 1 - t] *= factor;
    }
    return factors;
  }
}
