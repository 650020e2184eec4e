package quartet.image;

/**
 * One 8-bit picture.
 *
 * @param bytes {@code height*width*channels}, row by row, channels innermost
 * @param channels 3 (RGB) or 4 (RGBA, not premultiplied)
 */
@SuppressWarnings("ArrayRecordComponent") // a carrier between two calls, never compared
public record Pixels(byte[] bytes, int height, int width, int channels) {
  private static final int RGB = 3;
  private static final int RGBA = 4;

  /** Checks the length. */
  public Pixels {
    if (bytes.length != (long) height * width * channels) {
      throw new IllegalArgumentException(
          "picture %dx%dx%d needs %d bytes, got %d"
              .formatted(height, width, channels, (long) height * width * channels, bytes.length));
    }
  }

  /**
   * Item {@code index} of a batch {@code [B, H, W, C]} of floats in 0..1: times 255, clipped, cut
   * off (not rounded), as ComfyUI's SaveImage does.
   */
  public static Pixels of(float[] batch, int index, int height, int width, int channels) {
    int count = height * width * channels;
    byte[] bytes = new byte[count];
    int from = index * count;
    for (int i = 0; i < count; i++) {
      float scaled = 255f * batch[from + i];
      bytes[i] = (byte) (int) Math.clamp(Float.isNaN(scaled) ? 0f : scaled, 0f, 255f);
    }
    return new Pixels(bytes, height, width, channels);
  }

  /** The same in three channels. */
  public Pixels withoutAlpha() {
    if (channels == RGB) {
      return this;
    }
    int count = height * width;
    byte[] rgb = new byte[count * RGB];
    for (int i = 0; i < count; i++) {
      System.arraycopy(bytes, i * channels, rgb, i * RGB, RGB);
    }
    return new Pixels(rgb, height, width, RGB);
  }

  /** Black, with this picture's alpha (opaque if it has none). */
  public Pixels alphaOnly() {
    byte[] black = new byte[height * width * RGBA];
    for (int i = 0; i < height * width; i++) {
      black[i * RGBA + RGB] = channels == RGBA ? bytes[i * RGBA + RGB] : (byte) 255;
    }
    return new Pixels(black, height, width, RGBA);
  }

  /**
   * This picture's colours with another one's alpha.
   *
   * @throws IllegalArgumentException if the sizes differ
   */
  public Pixels withAlphaOf(Pixels mask) {
    if (mask.height != height || mask.width != width) {
      throw new IllegalArgumentException(
          "the mask is %dx%d, the picture %dx%d".formatted(mask.width, mask.height, width, height));
    }
    byte[] mixed = new byte[height * width * RGBA];
    for (int i = 0; i < height * width; i++) {
      System.arraycopy(bytes, i * channels, mixed, i * RGBA, RGB);
      mixed[i * RGBA + RGB] = mask.channels == RGBA ? mask.bytes[i * RGBA + RGB] : (byte) 255;
    }
    return new Pixels(mixed, height, width, RGBA);
  }
}
