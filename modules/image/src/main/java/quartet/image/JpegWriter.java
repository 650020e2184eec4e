package quartet.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.stream.MemoryCacheImageOutputStream;

/** Writes JPEG through the JDK's encoder; alpha is dropped. */
public final class JpegWriter {
  private static final float PERCENT = 100f;

  private JpegWriter() {}

  /**
   * A JPEG file's bytes.
   *
   * @param quality 1..100; values outside are taken as the nearest
   */
  public static byte[] encode(Pixels pixels, int quality) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("jpeg").next();
    try {
      BufferedImage image = BufferedImages.of(pixels.withoutAlpha());
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality(Math.clamp(quality, 1, 100) / PERCENT);
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(pixels.bytes().length / 8);
      try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
        writer.setOutput(out);
        writer.write(null, new IIOImage(image, null, null), param);
      }
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("encoding a JPEG in memory failed", e);
    } finally {
      writer.dispose();
    }
  }
}
