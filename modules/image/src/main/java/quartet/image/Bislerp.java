package quartet.image;

/**
 * Resizes latents by interpolating directions instead of numbers: each pixel is a vector over
 * channels, neighbours are joined by spherical interpolation and their lengths linearly. Keeps the
 * contrast that bilinear loses.
 *
 * <p>Source: Shoemake 1985, Animating rotation with quaternion curves, eq. 5 (slerp); behaviour of
 * the method called {@code bislerp} in workflows.
 */
public final class Bislerp {
  private static final double PARALLEL = 1 - 1e-5;

  private Bislerp() {}

  /** Latents {@code [B, C, H, W]} at another size; width first, then height. */
  public static float[] apply(
      float[] from, int batch, int channels, int height, int width, int toHeight, int toWidth) {
    float[] wide = new float[batch * channels * height * toWidth];
    for (int b = 0; b < batch; b++) {
      for (int y = 0; y < height; y++) {
        int in = b * channels * height * width + y * width;
        int out = b * channels * height * toWidth + y * toWidth;
        line(from, in, 1, height * width, width, wide, out, 1, height * toWidth, toWidth, channels);
      }
    }
    float[] result = new float[batch * channels * toHeight * toWidth];
    for (int b = 0; b < batch; b++) {
      for (int x = 0; x < toWidth; x++) {
        int in = b * channels * height * toWidth + x;
        int out = b * channels * toHeight * toWidth + x;
        line(
            wide,
            in,
            toWidth,
            height * toWidth,
            height,
            result,
            out,
            toWidth,
            toHeight * toWidth,
            toHeight,
            channels);
      }
    }
    return result;
  }

  private static void line(
      float[] from,
      int in,
      int inStep,
      int inChannel,
      int length,
      float[] to,
      int out,
      int outStep,
      int outChannel,
      int toLength,
      int channels) {
    Taps taps = Taps.of(ResizeMethod.BILINEAR, length, toLength);
    for (int i = 0; i < toLength; i++) {
      int low = taps.sources()[i][0];
      int high = taps.sources()[i][1];
      float fraction = taps.weights()[i][1];
      slerp(
          from,
          in + low * inStep,
          in + high * inStep,
          inChannel,
          fraction,
          to,
          out + i * outStep,
          outChannel,
          channels);
    }
  }

  private static void slerp(
      float[] from,
      int a,
      int b,
      int inChannel,
      float r,
      float[] to,
      int out,
      int outChannel,
      int channels) {
    double lengthA = 0;
    double lengthB = 0;
    double dot = 0;
    for (int c = 0; c < channels; c++) {
      double x = from[a + c * inChannel];
      double y = from[b + c * inChannel];
      lengthA += x * x;
      lengthB += y * y;
      dot += x * y;
    }
    lengthA = Math.sqrt(lengthA);
    lengthB = Math.sqrt(lengthB);
    double cosine = lengthA == 0 || lengthB == 0 ? 0 : dot / (lengthA * lengthB);
    double omega = Math.acos(Math.clamp(cosine, -1, 1));
    double sine = Math.sin(omega);
    double length = lengthA * (1 - r) + lengthB * r;
    for (int c = 0; c < channels; c++) {
      double x = from[a + c * inChannel];
      double y = from[b + c * inChannel];
      double value;
      if (cosine > PARALLEL) {
        value = x;
      } else if (cosine < -PARALLEL) {
        value = x * (1 - r) + y * r;
      } else {
        double unitX = lengthA == 0 ? 0 : x / lengthA;
        double unitY = lengthB == 0 ? 0 : y / lengthB;
        value = (Math.sin((1 - r) * omega) * unitX + Math.sin(r * omega) * unitY) / sine * length;
      }
      to[out + c * outChannel] = (float) value;
    }
  }
}
