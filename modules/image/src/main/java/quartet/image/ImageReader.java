package quartet.image;

import com.drew.imaging.ImageMetadataReader;
import com.drew.imaging.ImageProcessingException;
import com.drew.metadata.MetadataException;
import com.drew.metadata.exif.ExifIFD0Directory;
import java.awt.image.BufferedImage;
import java.io.FileNotFoundException;
import java.io.IOException;
import java.nio.file.Path;
import java.util.Iterator;
import javax.imageio.ImageIO;
import javax.imageio.stream.ImageInputStream;
import org.jspecify.annotations.Nullable;
import quartet.errors.EngineException;

/** Reads picture files, upright. */
public final class ImageReader {
  private static final int UPRIGHT = 1;

  /** Decoded, copied and turned as bytes, then as three colours and a mask of floats. */
  private static final long BYTES_PER_PIXEL = 3 * 4 + 4 * 4;

  private ImageReader() {}

  /**
   * A picture, turned as its EXIF orientation says: RGBA if the file has transparency, else RGB.
   *
   * @throws EngineException with the file's name, if it is no picture this server reads or too
   *     large for the heap
   */
  public static Pixels read(Path file) {
    BufferedImage image;
    try {
      image = decode(file);
    } catch (IOException | RuntimeException e) {
      if (e instanceof EngineException ours) {
        throw ours;
      }
      throw unreadable(file, e.toString());
    }
    if (image == null) {
      throw unreadable(file, "the format is not known");
    }
    return Orientation.upright(BufferedImages.copy(image), orientation(file));
  }

  /**
   * Null if no reader knows the format. The size is asked first: a small file may unpack to GiB.
   */
  private static @Nullable BufferedImage decode(Path file) throws IOException {
    try (ImageInputStream in = ImageIO.createImageInputStream(file.toFile())) {
      if (in == null) {
        throw new FileNotFoundException("the file is not there or cannot be opened");
      }
      Iterator<javax.imageio.ImageReader> readers = ImageIO.getImageReaders(in);
      if (!readers.hasNext()) {
        return null;
      }
      javax.imageio.ImageReader reader = readers.next();
      try {
        reader.setInput(in, true, true);
        requireRoom(file, reader.getWidth(0), reader.getHeight(0));
        return reader.read(0);
      } finally {
        reader.dispose();
      }
    }
  }

  private static void requireRoom(Path file, int width, int height) {
    long needed = BYTES_PER_PIXEL * width * height;
    long heap = Runtime.getRuntime().maxMemory();
    if (needed > heap / 2) {
      throw new EngineException(
          ImageError.IMAGE_TOO_LARGE,
          "The picture %s has %d x %d pixels; reading it takes about %d MiB, and the heap has %d MiB."
              .formatted(file.getFileName(), width, height, needed >> 20, heap >> 20));
    }
  }

  private static EngineException unreadable(Path file, String why) {
    return new EngineException(
        ImageError.IMAGE_UNREADABLE,
        "Cannot read the picture %s: %s. PNG, JPEG, GIF, BMP, TIFF and WebP are read here."
            .formatted(file.getFileName(), why));
  }

  private static int orientation(Path file) {
    try {
      ExifIFD0Directory exif =
          ImageMetadataReader.readMetadata(file.toFile())
              .getFirstDirectoryOfType(ExifIFD0Directory.class);
      return exif != null && exif.containsTag(ExifIFD0Directory.TAG_ORIENTATION)
          ? exif.getInt(ExifIFD0Directory.TAG_ORIENTATION)
          : UPRIGHT;
    } catch (ImageProcessingException | MetadataException | IOException e) {
      return UPRIGHT; // broken metadata never spoils a picture that was read
    }
  }
}
