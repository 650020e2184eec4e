package quartet.image;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.Objects;
import java.util.stream.Stream;
import java.util.stream.StreamSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.testkit.Goldens;

/** Against PyTorch's interpolate and Pillow; resize_gen.py beside the JSON made the numbers. */
class ResizeTest {
  private static final JsonNode GOLDEN = golden();

  private static JsonNode golden() {
    try (InputStream in = ResizeTest.class.getResourceAsStream("resize.json")) {
      return new ObjectMapper().readTree(Objects.requireNonNull(in));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static Stream<JsonNode> cases() {
    return StreamSupport.stream(GOLDEN.get("cases").spliterator(), false);
  }

  private static float[] resized(JsonNode one, int copies) {
    int height = one.get("from").get(0).asInt();
    int width = one.get("from").get(1).asInt();
    float[] picture = Goldens.floats(GOLDEN.get("pictures").get(height + "x" + width));
    float[] batch = new float[picture.length * copies];
    for (int b = 0; b < copies; b++) {
      System.arraycopy(picture, 0, batch, b * picture.length, picture.length);
    }
    return Resize.apply(
        ResizeMethod.named(one.get("method").asText()),
        batch,
        copies,
        height,
        width,
        3,
        one.get("to").get(0).asInt(),
        one.get("to").get(1).asInt());
  }

  @ParameterizedTest
  @MethodSource("cases")
  void sizes_odd_and_even_give_the_reference_s_numbers(JsonNode one) {
    float[] actual = resized(one, 1);
    boolean eightBit = one.has("bytes");
    float[] expected = Goldens.floats(one.get(eightBit ? "bytes" : "values"));
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < expected.length; i++) {
      if (eightBit) {
        assertThat(Math.round(actual[i] * 255)).as("byte %d", i).isEqualTo((int) expected[i]);
      } else {
        assertThat(actual[i]).as("value %d", i).isCloseTo(expected[i], within(4e-6f));
      }
    }
  }

  @ParameterizedTest
  @MethodSource("cases")
  void pictures_of_a_batch_do_not_touch_each_other(JsonNode one) {
    float[] alone = resized(one, 1);
    float[] together = resized(one, 3);
    for (int i = 0; i < together.length; i++) {
      assertThat(together[i]).isEqualTo(alone[i % alone.length]);
    }
  }

  @ParameterizedTest
  @EnumSource(ResizeMethod.class)
  void one_colour_stays_one_colour(ResizeMethod method) {
    float[] grey = new float[9 * 7 * 3];
    java.util.Arrays.fill(grey, 51 / 255f);
    for (int to : new int[] {1, 4, 9, 30}) {
      float[] out = Resize.apply(method, grey, 1, 9, 7, 3, to, to + 1);
      assertThat(out).hasSize(to * (to + 1) * 3);
      for (float value : out) {
        assertThat(value).isCloseTo(51 / 255f, within(1e-6f));
      }
    }
  }

  @Test
  void the_same_size_is_a_copy_that_may_be_written_to() {
    float[] from = {0.1f, 0.2f, 0.3f};
    float[] out = Resize.apply(ResizeMethod.BICUBIC, from, 1, 1, 1, 3, 1, 1);
    assertThat(out).containsExactly(from).isNotSameAs(from);
  }

  @Test
  void the_nearest_pixel_is_chosen_in_float32_as_pytorch_does() {
    float[] pair = {0, 1};
    float[] out = Resize.apply(ResizeMethod.NEAREST_EXACT, pair, 1, 1, 2, 1, 1, 41);
    assertThat(out[19]).isZero();
    assertThat(out[20]).as("20.5 * 2/41 is just below 1 in float32, not in double").isZero();
    assertThat(out[21]).isEqualTo(1);
  }

  @Test
  void the_centre_is_cut_out_with_the_target_s_proportions() {
    assertThat(Resize.centreCrop(10, 20, 5, 5)).containsExactly(0, 5, 10, 10);
    assertThat(Resize.centreCrop(20, 10, 5, 5)).containsExactly(5, 0, 10, 10);
    assertThat(Resize.centreCrop(10, 20, 5, 10)).containsExactly(0, 0, 10, 20);
    assertThat(Resize.centreCrop(10, 13, 1, 1))
        .as("1.5 pixels are rounded to the even number")
        .containsExactly(0, 2, 10, 9);
    assertThat(Resize.crop(new float[] {1, 2, 3, 4, 5, 6}, 2, 1, 3, 1, new int[] {0, 1, 1, 2}))
        .containsExactly(2, 3, 5, 6);
  }

  @Test
  void methods_have_the_names_that_workflows_use() {
    assertThat(Stream.of(ResizeMethod.values()).map(ResizeMethod::wireName))
        .containsExactly(
            "nearest-exact", "bilinear", "area", "bicubic", "smooth-bicubic", "lanczos");
    for (ResizeMethod method : ResizeMethod.values()) {
      assertThat(ResizeMethod.named(method.wireName())).isEqualTo(method);
    }
  }
}
