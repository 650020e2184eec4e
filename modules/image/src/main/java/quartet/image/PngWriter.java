package quartet.image;

import java.awt.image.BufferedImage;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.regex.Pattern;
import javax.imageio.IIOImage;
import javax.imageio.ImageIO;
import javax.imageio.ImageTypeSpecifier;
import javax.imageio.ImageWriteParam;
import javax.imageio.ImageWriter;
import javax.imageio.metadata.IIOInvalidTreeException;
import javax.imageio.metadata.IIOMetadata;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.MemoryCacheImageOutputStream;
import quartet.errors.EngineException;

/**
 * Writes PNG files with text chunks before the pixels, through the JDK's encoder. Source of the
 * chunk layout: PNG specification (W3C, third edition), §11.3.3 tEXt.
 */
public final class PngWriter {
  private static final String NATIVE_FORMAT = "javax_imageio_png_1.0";
  private static final int MAX_LEVEL = 9;

  /** 1 to 79 printable ASCII characters, single spaces inside only. Source: PNG §11.3.3.1. */
  private static final Pattern KEYWORD = Pattern.compile("(?=.{1,79}$)[!-~]+( [!-~]+)*");

  private PngWriter() {}

  /**
   * A PNG file's bytes.
   *
   * @param text keyword to value, written as tEXt; ASCII only (JSON with escapes). An entry whose
   *     keyword PNG cannot hold is left out
   * @param level zlib level, 0..9
   */
  public static byte[] encode(Pixels pixels, Map<String, String> text, int level) {
    ImageWriter writer = ImageIO.getImageWritersByFormatName("png").next();
    try {
      BufferedImage image = BufferedImages.of(pixels);
      ImageWriteParam param = writer.getDefaultWriteParam();
      param.setCompressionMode(ImageWriteParam.MODE_EXPLICIT);
      param.setCompressionQuality((MAX_LEVEL - level) / (float) MAX_LEVEL);
      IIOMetadata metadata =
          writer.getDefaultImageMetadata(ImageTypeSpecifier.createFromRenderedImage(image), param);
      if (!text.isEmpty()) {
        addText(metadata, text);
      }
      ByteArrayOutputStream bytes = new ByteArrayOutputStream(pixels.bytes().length / 2);
      try (MemoryCacheImageOutputStream out = new MemoryCacheImageOutputStream(bytes)) {
        writer.setOutput(out);
        writer.write(null, new IIOImage(image, null, metadata), param);
      }
      return bytes.toByteArray();
    } catch (IOException e) {
      throw new UncheckedIOException("encoding a PNG in memory failed", e);
    } finally {
      writer.dispose();
    }
  }

  /**
   * Writes a PNG file.
   *
   * @throws EngineException with the path, if the disk refuses
   */
  public static void write(Path file, Pixels pixels, Map<String, String> text, int level) {
    try {
      Files.write(file, encode(pixels, text, level));
    } catch (IOException e) {
      throw new EngineException(
          ImageError.IMAGE_NOT_WRITTEN,
          "Cannot write " + file + ": " + e + ". Is the disk full or the folder read-only?",
          e);
    }
  }

  private static void addText(IIOMetadata metadata, Map<String, String> text)
      throws IIOInvalidTreeException {
    IIOMetadataNode chunks = new IIOMetadataNode("tEXt");
    text.forEach(
        (keyword, value) -> {
          if (!KEYWORD.matcher(keyword).matches()) {
            return; // a client's odd key must not cost a finished picture
          }
          IIOMetadataNode entry = new IIOMetadataNode("tEXtEntry");
          entry.setAttribute("keyword", keyword);
          entry.setAttribute("value", value);
          chunks.appendChild(entry);
        });
    IIOMetadataNode root = new IIOMetadataNode(NATIVE_FORMAT);
    root.appendChild(chunks);
    metadata.mergeTree(NATIVE_FORMAT, root);
  }
}
