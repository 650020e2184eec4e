package quartet.image;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import javax.imageio.ImageIO;
import javax.imageio.ImageReader;
import javax.imageio.metadata.IIOMetadataNode;
import javax.imageio.stream.ImageInputStream;
import org.w3c.dom.NodeList;

/** Reads what {@link PngWriter} writes beside the pixels: tEXt chunks, where workflows live. */
public final class PngText {
  private static final byte[] SIGNATURE =
      "\u0089PNG\r\n\u001a\n".getBytes(StandardCharsets.ISO_8859_1);

  private PngText() {}

  /** Keyword to value in the file's order; empty for other formats and broken metadata. */
  public static Map<String, String> read(Path file) {
    Map<String, String> text = new LinkedHashMap<>();
    ImageReader reader = ImageIO.getImageReadersByFormatName("png").next();
    try {
      if (!isPng(file)) {
        return text;
      }
      try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
        reader.setInput(in, true, false);
        IIOMetadataNode root =
            (IIOMetadataNode) reader.getImageMetadata(0).getAsTree("javax_imageio_png_1.0");
        NodeList entries = root.getElementsByTagName("tEXtEntry");
        for (int i = 0; i < entries.getLength(); i++) {
          IIOMetadataNode entry = (IIOMetadataNode) entries.item(i);
          text.put(entry.getAttribute("keyword"), entry.getAttribute("value"));
        }
      }
    } catch (IOException | RuntimeException e) {
      text.clear(); // broken metadata never spoils a picture that can be read
    } finally {
      reader.dispose();
    }
    return text;
  }

  private static boolean isPng(Path file) throws IOException {
    try (var in = Files.newInputStream(file)) {
      return java.util.Arrays.equals(in.readNBytes(SIGNATURE.length), SIGNATURE);
    }
  }
}
