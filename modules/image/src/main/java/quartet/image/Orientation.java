package quartet.image;

/** Turns and mirrors pictures by EXIF orientation. Source: EXIF 2.3, tag 0x0112, values 1-8. */
final class Orientation {
  private Orientation() {}

  /** The picture as it is meant to be seen. */
  static Pixels upright(Pixels from, int orientation) {
    if (orientation <= 1 || orientation > 8) {
      return from;
    }
    boolean swapped = orientation >= 5;
    int height = swapped ? from.width() : from.height();
    int width = swapped ? from.height() : from.width();
    int channels = from.channels();
    byte[] out = new byte[from.bytes().length];
    for (int y = 0; y < height; y++) {
      for (int x = 0; x < width; x++) {
        int right = from.width() - 1;
        int bottom = from.height() - 1;
        int sourceX =
            switch (orientation) {
              case 2, 3 -> right - x;
              case 4 -> x;
              case 5, 6 -> y;
              default -> right - y;
            };
        int sourceY =
            switch (orientation) {
              case 2 -> y;
              case 3, 4 -> bottom - y;
              case 5, 8 -> x;
              default -> bottom - x;
            };
        System.arraycopy(
            from.bytes(),
            (sourceY * from.width() + sourceX) * channels,
            out,
            (y * width + x) * channels,
            channels);
      }
    }
    return new Pixels(out, height, width, channels);
  }
}
