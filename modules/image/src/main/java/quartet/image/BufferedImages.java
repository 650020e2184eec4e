package quartet.image;

import java.awt.Transparency;
import java.awt.color.ColorSpace;
import java.awt.image.BufferedImage;
import java.awt.image.ComponentColorModel;
import java.awt.image.DataBuffer;
import java.awt.image.DataBufferByte;
import java.awt.image.Raster;
import java.awt.image.WritableRaster;

/** Between our pixels and the JDK's. */
final class BufferedImages {
  private static final int[] RGB = {0, 1, 2};
  private static final int[] RGBA = {0, 1, 2, 3};

  private BufferedImages() {}

  /** A view of the pixels, without a copy. */
  static BufferedImage of(Pixels pixels) {
    boolean alpha = pixels.channels() == 4;
    ComponentColorModel colors =
        new ComponentColorModel(
            ColorSpace.getInstance(ColorSpace.CS_sRGB),
            alpha,
            false,
            alpha ? Transparency.TRANSLUCENT : Transparency.OPAQUE,
            DataBuffer.TYPE_BYTE);
    WritableRaster raster =
        Raster.createInterleavedRaster(
            new DataBufferByte(pixels.bytes(), pixels.bytes().length),
            pixels.width(),
            pixels.height(),
            pixels.width() * pixels.channels(),
            pixels.channels(),
            alpha ? RGBA : RGB,
            null);
    return new BufferedImage(colors, raster, false, null);
  }

  /**
   * A copy as 8-bit RGB, or RGBA if the picture has transparency. Samples of grey and RGB pictures
   * are taken as they stand: the JDK would brighten greys (it takes them for linear light) and
   * convert colour profiles, which ComfyUI does not.
   */
  static Pixels copy(BufferedImage image) {
    boolean alpha = image.getColorModel().hasAlpha();
    int channels = alpha ? 4 : 3;
    byte[] bytes =
        new byte
            [Math.multiplyExact(Math.multiplyExact(image.getHeight(), image.getWidth()), channels)];
    boolean plain =
        image.getColorModel() instanceof ComponentColorModel colors
            && !colors.isAlphaPremultiplied()
            && (colors.getTransferType() == DataBuffer.TYPE_BYTE
                || colors.getTransferType() == DataBuffer.TYPE_USHORT)
            && (colors.getNumColorComponents() == 1
                || colors.getColorSpace().getType() == ColorSpace.TYPE_RGB);
    if (plain) {
      copySamples(image, bytes, channels);
    } else {
      copyConverted(image, bytes, channels);
    }
    return new Pixels(bytes, image.getHeight(), image.getWidth(), channels);
  }

  private static void copySamples(BufferedImage image, byte[] bytes, int channels) {
    int width = image.getWidth();
    int bands = image.getRaster().getNumBands();
    boolean grey = image.getColorModel().getNumColorComponents() == 1;
    int shift = image.getColorModel().getTransferType() == DataBuffer.TYPE_USHORT ? 8 : 0;
    int[] row = new int[width * bands];
    int at = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      image.getRaster().getPixels(0, y, width, 1, row);
      for (int x = 0; x < width; x++) {
        for (int c = 0; c < channels; c++) {
          int band = c == 3 ? bands - 1 : grey ? 0 : c;
          bytes[at++] = (byte) (row[x * bands + band] >> shift);
        }
      }
    }
  }

  private static void copyConverted(BufferedImage image, byte[] bytes, int channels) {
    int[] row = new int[image.getWidth()];
    int at = 0;
    for (int y = 0; y < image.getHeight(); y++) {
      image.getRGB(0, y, row.length, 1, row, 0, row.length);
      for (int argb : row) {
        bytes[at++] = (byte) (argb >> 16);
        bytes[at++] = (byte) (argb >> 8);
        bytes[at++] = (byte) argb;
        if (channels == 4) {
          bytes[at++] = (byte) (argb >> 24);
        }
      }
    }
  }
}
