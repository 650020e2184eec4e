package quartet.image;

/** Fits a rough picture into a square, small ones enlarged, its proportions kept. */
public final class PreviewScale {
  private PreviewScale() {}

  /**
   * The first picture of a batch {@code [B, H, W, 3]} in 0..1, its longer side {@code side} long.
   */
  public static Pixels fit(float[] batch, int height, int width, int channels, int side) {
    float[] first = java.util.Arrays.copyOf(batch, height * width * channels);
    double scale = (double) side / Math.max(height, width);
    int toHeight = Math.max(1, (int) Math.rint(height * scale));
    int toWidth = Math.max(1, (int) Math.rint(width * scale));
    float[] scaled =
        Resize.apply(ResizeMethod.BILINEAR, first, 1, height, width, channels, toHeight, toWidth);
    return Pixels.of(scaled, 0, toHeight, toWidth, channels);
  }
}
