package quartet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.errors.EngineException;
import quartet.testkit.Property;

class PngTest {
  @TempDir Path folder;

  @SuppressWarnings("ArrayRecordComponent") // never compared
  private record Chunk(String type, byte[] data) {}

  private static List<Chunk> chunks(byte[] png) {
    ByteBuffer in = ByteBuffer.wrap(png);
    assertThat(in.getLong()).as("signature").isEqualTo(0x89504E470D0A1A0AL);
    List<Chunk> chunks = new ArrayList<>();
    while (in.hasRemaining()) {
      byte[] data = new byte[in.getInt()];
      byte[] type = new byte[4];
      in.get(type).get(data).getInt();
      chunks.add(new Chunk(new String(type, StandardCharsets.US_ASCII), data));
    }
    return chunks;
  }

  private static List<String> texts(byte[] png) {
    return chunks(png).stream()
        .filter(chunk -> chunk.type().equals("tEXt"))
        .map(chunk -> new String(chunk.data(), StandardCharsets.ISO_8859_1).replace('\0', '='))
        .toList();
  }

  @Test
  void what_is_written_is_read_back_at_every_level() {
    Property.check(
        "PNG round trip",
        60,
        cases -> {
          int height = cases.intIn(1, 20);
          int width = cases.intIn(1, 20);
          int channels = cases.oneOf(3, 4);
          byte[] bytes = new byte[height * width * channels];
          for (int i = 0; i < bytes.length; i++) {
            bytes[i] = (byte) cases.intIn(0, 255);
          }
          Path file = folder.resolve("a.png");
          PngWriter.write(
              file, new Pixels(bytes, height, width, channels), Map.of(), cases.intIn(0, 9));
          Pixels read = ImageReader.read(file);
          assertThat(read.height()).isEqualTo(height);
          assertThat(read.width()).isEqualTo(width);
          assertThat(read.channels()).isEqualTo(channels);
          assertThat(read.bytes()).isEqualTo(bytes);
        });
  }

  @Test
  void texts_stand_before_the_pixels_in_their_order() {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("prompt", "{\"a\":1}");
    text.put("workflow", "{}");
    text.put("an other", "x".repeat(100_000));
    byte[] png = PngWriter.encode(new Pixels(new byte[12], 2, 2, 3), text, 4);
    List<String> types = chunks(png).stream().map(Chunk::type).toList();
    assertThat(types).startsWith("IHDR").endsWith("IEND").contains("IDAT");
    assertThat(types.lastIndexOf("tEXt")).isLessThan(types.indexOf("IDAT"));
    assertThat(texts(png))
        .containsExactly("prompt={\"a\":1}", "workflow={}", "an other=" + "x".repeat(100_000));
  }

  @Test
  void keywords_that_png_cannot_hold_are_left_out_and_the_picture_is_written() {
    Map<String, String> text = new LinkedHashMap<>();
    for (String keyword :
        List.of("", " a", "a ", "a  b", "a\nb", "a\0b", "ключ", "k".repeat(80), "k".repeat(79))) {
      text.put(keyword, "v");
    }
    byte[] png = PngWriter.encode(new Pixels(new byte[3], 1, 1, 3), text, 4);
    assertThat(texts(png)).containsExactly("k".repeat(79) + "=v");
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0",
    "1, 255",
    "0.5, 127",
    "0.999, 254",
    "0.00392, 0",
    "0.003922, 1",
    "-3, 0",
    "7, 255",
    "NaN, 0",
    "Infinity, 255",
    "-Infinity, 0"
  })
  void numbers_are_cut_off_not_rounded(float value, int expected) {
    Pixels pixels = Pixels.of(new float[] {9, 9, 9, value, value, value}, 1, 1, 1, 3);
    assertThat(pixels.bytes()).containsOnly(expected);
  }

  @Test
  void a_folder_that_is_not_there_is_named() {
    Path file = folder.resolve("gone").resolve("a.png");
    assertThatThrownBy(() -> PngWriter.write(file, new Pixels(new byte[3], 1, 1, 3), Map.of(), 4))
        .isInstanceOfSatisfying(
            EngineException.class,
            e -> assertThat(e.code()).isEqualTo(ImageError.IMAGE_NOT_WRITTEN))
        .hasMessageContaining(file.toString());
  }

  @Test
  void a_higher_level_makes_no_larger_file() throws IOException {
    byte[] bytes = new byte[300 * 300 * 3];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (i * i / 700);
    }
    Pixels pixels = new Pixels(bytes, 300, 300, 3);
    int stored = PngWriter.encode(pixels, Map.of(), 0).length;
    assertThat(stored).isGreaterThan(bytes.length);
    assertThat(PngWriter.encode(pixels, Map.of(), 4).length).isLessThan(stored);
    Path file = folder.resolve("a.png");
    PngWriter.write(file, pixels, Map.of(), 4);
    assertThat(Files.size(file)).isEqualTo(PngWriter.encode(pixels, Map.of(), 4).length);
  }
}
