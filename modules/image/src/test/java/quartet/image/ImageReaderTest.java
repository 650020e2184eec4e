package quartet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import java.util.zip.CRC32;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.errors.EngineException;

/** Small files made with Pillow 12, and files that are broken. */
class ImageReaderTest {
  @TempDir Path folder;

  private Pixels read(String base64) throws IOException {
    Path file = folder.resolve("picture");
    Files.write(file, Base64.getDecoder().decode(base64));
    return ImageReader.read(file);
  }

  private static int[] unsigned(Pixels pixels) {
    int[] out = new int[pixels.bytes().length];
    for (int i = 0; i < out.length; i++) {
      out[i] = Byte.toUnsignedInt(pixels.bytes()[i]);
    }
    return out;
  }

  @Test
  void webp_is_read_with_its_transparency() throws IOException {
    Pixels pixels =
        read(
            "UklGRjoAAABXRUJQVlA4TC4AAAAvAUAAEB8gEEiS2B91DSEBQfX/L4EAwYj/SwISwnNZLjD2pUooCRAARRmJ6H8w");
    assertThat(pixels.channels()).isEqualTo(4);
    assertThat(unsigned(pixels))
        .containsExactly(255, 0, 0, 255, 0, 255, 0, 128, 0, 0, 255, 0, 10, 20, 30, 255);
  }

  @ParameterizedTest
  @CsvSource({
    "grey, iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAAAAADRSSBWAAAAC0lEQVR4nGNo4AIAAQ0AixHZSn4AAAAASUVORK5CYII=, 3, 128 128 128 10 10 10",
    "grey 16 bit, iVBORw0KGgoAAAANSUhEUgAAAAIAAAABEAAAAACB2fwVAAAADUlEQVR4nGNoYOD6DwADGAGKOs7v7QAAAABJRU5ErkJggg==, 3, 128 128 128 10 10 10",
    "grey and alpha, iVBORw0KGgoAAAANSUhEUgAAAAIAAAABCAQAAABeK7cBAAAADUlEQVR4nGNo+M/FDgAFHQGRV2ct9AAAAABJRU5ErkJggg==, 4, 128 128 128 255 10 10 10 7",
    "black and white, iVBORw0KGgoAAAANSUhEUgAAAAIAAAABAQAAAADcWUInAAAACklEQVR4nGNwAAAAQgBBKTf07wAAAABJRU5ErkJggg==, 3, 0 0 0 255 255 255",
    "palette, iVBORw0KGgoAAAANSUhEUgAAAAIAAAABAQMAAADO7O3JAAAABlBMVEUBAgPIZDJQtK4/AAAACklEQVR4nGNwAAAAQgBBKTf07wAAAABJRU5ErkJggg==, 3, 1 2 3 200 100 50",
    "palette with a clear colour, iVBORw0KGgoAAAANSUhEUgAAAAIAAAABAQMAAADO7O3JAAAABlBMVEUBAgPIZDJQtK4/AAAAAXRSTlMAQObYZgAAAApJREFUeJxjcAAAAEIAQSk39O8AAAAASUVORK5CYII=, 4, 1 2 3 0 200 100 50 255",
  })
  void png_of_every_kind_keeps_its_numbers(
      String kind, String base64, int channels, String expected) throws IOException {
    Pixels pixels = read(base64);
    assertThat(pixels.channels()).isEqualTo(channels);
    assertThat(unsigned(pixels)).as(kind).containsExactly(numbers(expected));
  }

  private static int[] numbers(String text) {
    return java.util.Arrays.stream(text.split(" ", -1)).mapToInt(Integer::parseInt).toArray();
  }

  @Test
  void a_grey_jpeg_is_not_brightened() throws IOException {
    Pixels pixels = read(GREY_JPEG);
    assertThat(pixels.channels()).isEqualTo(3);
    assertThat(pixels.bytes()).containsOnly(128);
  }

  @ParameterizedTest
  @CsvSource({
    "0, ABCDEF, 2",
    "1, ABCDEF, 2",
    "9, ABCDEF, 2",
    "2, BADCFE, 2",
    "3, FEDCBA, 2",
    "4, EFCDAB, 2",
    "5, ACEBDF, 3",
    "6, ECAFDB, 3",
    "7, FDBECA, 3",
    "8, BDFACE, 3"
  })
  void every_orientation_is_turned_upright(int orientation, String expected, int width) {
    Pixels from = new Pixels("ABCDEF".getBytes(StandardCharsets.US_ASCII), 3, 2, 1);
    Pixels upright = Orientation.upright(from, orientation);
    assertThat(new String(upright.bytes(), StandardCharsets.US_ASCII)).isEqualTo(expected);
    assertThat(upright.width()).isEqualTo(width);
    assertThat(upright.height()).isEqualTo(6 / width);
  }

  @Test
  void a_jpeg_that_says_it_lies_on_its_side_is_read_upright() throws IOException {
    Path file = folder.resolve("turned.jpg");
    Files.write(file, withOrientation(Base64.getDecoder().decode(WIDE_JPEG), 6));
    Pixels pixels = ImageReader.read(file);
    assertThat(pixels.height()).isEqualTo(16);
    assertThat(pixels.width()).isEqualTo(8);
    assertThat(Byte.toUnsignedInt(pixels.bytes()[0])).as("the dark half is above").isLessThan(60);
    assertThat(Byte.toUnsignedInt(pixels.bytes()[pixels.bytes().length - 1])).isGreaterThan(200);
  }

  @Test
  void broken_orientation_does_not_spoil_the_picture() throws IOException {
    Path file = folder.resolve("odd.jpg");
    Files.write(file, withOrientation(Base64.getDecoder().decode(WIDE_JPEG), 77));
    assertThat(ImageReader.read(file).width()).isEqualTo(16);
  }

  @Test
  void what_is_no_picture_is_refused_with_the_formats_that_are_read() throws IOException {
    Path file = folder.resolve("notes.png");
    byte[] png = PngWriter.encode(new Pixels(new byte[3 * 64 * 64], 64, 64, 3), Map.of(), 0);
    for (byte[] bytes :
        new byte[][] {
          new byte[0],
          "hello".getBytes(StandardCharsets.UTF_8),
          java.util.Arrays.copyOf(png, 8),
          java.util.Arrays.copyOf(png, 40)
        }) {
      Files.write(file, bytes);
      assertThatThrownBy(() -> ImageReader.read(file))
          .isInstanceOfSatisfying(
              EngineException.class,
              e -> assertThat(e.code()).isEqualTo(ImageError.IMAGE_UNREADABLE))
          .hasMessageContaining("notes.png")
          .hasMessageContaining("WebP");
    }
    assertThatThrownBy(() -> ImageReader.read(folder.resolve("gone.png")))
        .isInstanceOf(EngineException.class)
        .hasMessageContaining("gone.png");
  }

  @Test
  void a_small_file_that_claims_a_huge_picture_is_refused_before_it_is_unpacked()
      throws IOException {
    ByteBuffer header = ByteBuffer.allocate(17);
    header.put("IHDR".getBytes(StandardCharsets.US_ASCII)).putInt(60_000).putInt(60_000);
    header.put(new byte[] {8, 2, 0, 0, 0});
    CRC32 crc = new CRC32();
    crc.update(header.array());
    ByteBuffer png = ByteBuffer.allocate(8 + 4 + 17 + 4 + 12);
    png.putLong(0x89504E470D0A1A0AL).putInt(13).put(header.array()).putInt((int) crc.getValue());
    png.putInt(0).put("IDAT".getBytes(StandardCharsets.US_ASCII)).putInt(0x35AF061E);
    Path file = folder.resolve("bomb.png");
    Files.write(file, png.array());
    assertThatThrownBy(() -> ImageReader.read(file))
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.code()).isEqualTo(ImageError.IMAGE_TOO_LARGE))
        .hasMessageContaining("60000 x 60000");
  }

  /** An APP1 segment with one IFD entry, put behind the start marker. */
  private static byte[] withOrientation(byte[] jpeg, int orientation) {
    ByteBuffer tiff = ByteBuffer.allocate(26);
    tiff.put("MM".getBytes(StandardCharsets.US_ASCII)).putShort((short) 42).putInt(8);
    tiff.putShort((short) 1).putShort((short) 0x0112).putShort((short) 3).putInt(1);
    tiff.putShort((short) orientation).putShort((short) 0).putInt(0);
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.write(jpeg, 0, 2);
    out.writeBytes(new byte[] {(byte) 0xFF, (byte) 0xE1, 0, (byte) (2 + 6 + 26)});
    out.writeBytes("Exif\0\0".getBytes(StandardCharsets.US_ASCII));
    out.writeBytes(tiff.array());
    out.write(jpeg, 2, jpeg.length - 2);
    return out.toByteArray();
  }

  private static final String GREY_JPEG =
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERX"
          + "RTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIAAgBAREA/8QAFAABAAAAAAAAAAAAAAAAAAAAAP/EABQQAQAA"
          + "AAAAAAAAAAAAAAAAAAD/2gAIAQEAAD8AP//Z";

  /** 16 x 8: dark on the left, light on the right. */
  private static final String WIDE_JPEG =
      "/9j/4AAQSkZJRgABAQAAAQABAAD/2wBDABALDA4MChAODQ4SERATGCgaGBYWGDEjJR0oOjM9PDkzODdASFxOQERX"
          + "RTc4UG1RV19iZ2hnPk1xeXBkeFxlZ2P/wAALCAAIABABAREA/8QAFQABAQAAAAAAAAAAAAAAAAAABgf/xAAUEAEA"
          + "AAAAAAAAAAAAAAAAAAAA/9oACAEBAAA/AAi9v//Z";
}
