package quartet.image;

/** Resizes float pictures, {@code [B, H, W, C]}. */
public final class Resize {
  private Resize() {}

  /**
   * The picture at another size. {@link ResizeMethod#LANCZOS} works in 8 bits (values are clipped
   * to 0..1), the others in float.
   */
  public static float[] apply(
      ResizeMethod method,
      float[] from,
      int batch,
      int height,
      int width,
      int channels,
      int toHeight,
      int toWidth) {
    boolean eightBit = method == ResizeMethod.LANCZOS;
    float[] source = eightBit ? quantised(from) : from;
    float[] wide =
        toWidth == width
            ? source
            : alongWidth(
                source, batch * height, width, channels, Taps.of(method, width, toWidth), eightBit);
    float[] out =
        toHeight == height
            ? wide
            : alongHeight(
                wide,
                batch,
                height,
                toWidth * channels,
                Taps.of(method, height, toHeight),
                eightBit);
    boolean untouched = !eightBit && toWidth == width && toHeight == height;
    return untouched ? from.clone() : out;
  }

  /**
   * The part of the picture with the target's proportions, around its middle.
   *
   * @return {@code {y, x, height, width}} of the part
   */
  public static int[] centreCrop(int height, int width, int toHeight, int toWidth) {
    double old = (double) width / height;
    double wanted = (double) toWidth / toHeight;
    int x = old > wanted ? (int) Math.rint((width - width * (wanted / old)) / 2) : 0;
    int y = old < wanted ? (int) Math.rint((height - height * (old / wanted)) / 2) : 0;
    return new int[] {y, x, height - 2 * y, width - 2 * x};
  }

  /** A rectangle {@code {y, x, height, width}} of every picture of a batch. */
  public static float[] crop(
      float[] from, int batch, int height, int width, int channels, int[] rectangle) {
    int toHeight = rectangle[2];
    int toWidth = rectangle[3];
    float[] out = new float[batch * toHeight * toWidth * channels];
    for (int b = 0; b < batch; b++) {
      for (int y = 0; y < toHeight; y++) {
        System.arraycopy(
            from,
            ((b * height + rectangle[0] + y) * width + rectangle[1]) * channels,
            out,
            (b * toHeight + y) * toWidth * channels,
            toWidth * channels);
      }
    }
    return out;
  }

  private static float[] quantised(float[] from) {
    float[] out = new float[from.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = (int) Math.clamp(255f * from[i], 0f, 255f) / 255f;
    }
    return out;
  }

  private static float toEightBit(float value) {
    return Math.round(Math.clamp(value, 0f, 1f) * 255f) / 255f;
  }

  private static float[] alongWidth(
      float[] from, int rows, int width, int channels, Taps taps, boolean eightBit) {
    int toWidth = taps.sources().length;
    float[] out = new float[Math.multiplyExact(rows, toWidth * channels)];
    for (int row = 0; row < rows; row++) {
      for (int x = 0; x < toWidth; x++) {
        int[] sources = taps.sources()[x];
        float[] weights = taps.weights()[x];
        for (int c = 0; c < channels; c++) {
          float sum = 0;
          for (int k = 0; k < sources.length; k++) {
            sum += weights[k] * from[(row * width + sources[k]) * channels + c];
          }
          out[(row * toWidth + x) * channels + c] = eightBit ? toEightBit(sum) : sum;
        }
      }
    }
    return out;
  }

  private static float[] alongHeight(
      float[] from, int batch, int height, int rowLength, Taps taps, boolean eightBit) {
    int toHeight = taps.sources().length;
    float[] out = new float[Math.multiplyExact(batch, toHeight * rowLength)];
    for (int b = 0; b < batch; b++) {
      for (int y = 0; y < toHeight; y++) {
        int[] sources = taps.sources()[y];
        float[] weights = taps.weights()[y];
        int to = (b * toHeight + y) * rowLength;
        for (int i = 0; i < rowLength; i++) {
          float sum = 0;
          for (int k = 0; k < sources.length; k++) {
            sum += weights[k] * from[(b * height + sources[k]) * rowLength + i];
          }
          out[to + i] = eightBit ? toEightBit(sum) : sum;
        }
      }
    }
    return out;
  }
}
