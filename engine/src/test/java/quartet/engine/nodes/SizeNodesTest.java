package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.fake.FakeContext;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;
import quartet.errors.EngineException;
import quartet.errors.ErrorKind;
import quartet.image.Bislerp;
import quartet.image.Resize;
import quartet.image.ResizeMethod;

/** Nodes that make or resize latents and pictures. */
class SizeNodesTest {
  @TempDir Path base;

  private Object output(String className, Map<String, Object> inputs) {
    return Runs.run(className, inputs, FakeContext.below(base)).outputs().getFirst();
  }

  private LatentBatch latent(LatentBatch from, String method, int width, int height, String crop) {
    return (LatentBatch)
        output(
            "LatentUpscale",
            Map.of(
                "samples",
                from,
                "upscale_method",
                method,
                "width",
                (long) width,
                "height",
                (long) height,
                "crop",
                crop));
  }

  private ImageBatch image(ImageBatch from, String method, int width, int height, String crop) {
    return (ImageBatch)
        output(
            "ImageScale",
            Map.of(
                "image",
                from,
                "upscale_method",
                method,
                "width",
                (long) width,
                "height",
                (long) height,
                "crop",
                crop));
  }

  private static LatentBatch latentRamp(int batch, int height, int width) {
    float[] values = new float[batch * 4 * height * width];
    for (int i = 0; i < values.length; i++) {
      values[i] = (float) Math.sin(i * 0.7);
    }
    return new LatentBatch(values, batch, 4, height, width, null, null);
  }

  @ParameterizedTest
  @CsvSource({"EmptyLatentImage, 4", "EmptySD3LatentImage, 16"})
  void an_empty_latent_has_an_eighth_of_the_pixels(String className, int channels) {
    LatentBatch made =
        (LatentBatch) output(className, Map.of("width", 72L, "height", 20L, "batch_size", 3L));
    assertThat(List.of(made.batch(), made.channels(), made.height(), made.width()))
        .containsExactly(3, channels, 2, 9);
    assertThat(made.values()).containsOnly(0f);
    assertThat(made.noiseMask()).isNull();
  }

  @ParameterizedTest
  @ValueSource(strings = {"EmptyLatentImage", "EmptySD3LatentImage", "EmptyImage"})
  void what_the_heap_cannot_hold_is_refused_before_it_is_made(String className) {
    assertThatThrownBy(
            () ->
                output(
                    className,
                    Map.of("width", 16384L, "height", 16384L, "batch_size", 4096L, "color", 0L)))
        .isInstanceOfSatisfying(
            EngineException.class, e -> assertThat(e.kind()).isEqualTo(ErrorKind.INPUT))
        .hasMessageContaining("heap");
  }

  @Test
  void enlarging_beyond_the_heap_is_refused_too() {
    assertThatThrownBy(() -> image(Runs.ramp(8, 2, 2), "bilinear", 16384, 16384, "disabled"))
        .isInstanceOf(EngineException.class);
    assertThatThrownBy(() -> latent(latentRamp(400, 2, 2), "area", 16384, 16384, "disabled"))
        .isInstanceOf(EngineException.class);
  }

  @ParameterizedTest
  @CsvSource({"0xFF8000, 255, 128, 0", "0x000001, 0, 0, 1", "0xFFFFFF, 255, 255, 255"})
  void an_empty_image_has_its_colour(String color, int red, int green, int blue) {
    ImageBatch made =
        (ImageBatch)
            output(
                "EmptyImage",
                Map.of("width", 3L, "height", 2L, "batch_size", 2L, "color", Long.decode(color)));
    assertThat(List.of(made.batch(), made.height(), made.width(), made.channels()))
        .containsExactly(2, 2, 3, 3);
    for (int i = 0; i < made.values().length; i += 3) {
      assertThat(made.values()[i]).isEqualTo(red / 255f);
      assertThat(made.values()[i + 1]).isEqualTo(green / 255f);
      assertThat(made.values()[i + 2]).isEqualTo(blue / 255f);
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"nearest-exact", "bilinear", "area", "bicubic", "lanczos"})
  void pictures_are_resized_by_the_method_that_is_named(String method) {
    ImageBatch from = Runs.ramp(2, 5, 7);
    ImageBatch to = image(from, method, 4, 9, "disabled");
    assertThat(List.of(to.batch(), to.height(), to.width())).containsExactly(2, 9, 4);
    assertThat(to.values())
        .isEqualTo(Resize.apply(ResizeMethod.named(method), from.values(), 2, 5, 7, 3, 9, 4));
  }

  @Test
  void the_centre_crop_takes_the_middle_of_a_wide_picture() {
    ImageBatch to = image(Runs.ramp(1, 2, 6), "nearest-exact", 2, 2, "center");
    float[] from = Runs.ramp(1, 2, 6).values();
    assertThat(to.values())
        .containsExactly(
            from[6], from[7], from[8], from[9], from[10], from[11], from[24], from[25], from[26],
            from[27], from[28], from[29]);
  }

  @ParameterizedTest
  @CsvSource({"0, 8, 12, 8", "9, 0, 9, 6", "0, 0, 6, 4", "0, 1, 2, 1", "7, 0, 7, 5", "1, 0, 1, 1"})
  void a_width_or_height_of_zero_keeps_the_proportions(
      int width, int height, int wantedWidth, int wantedHeight) {
    ImageBatch to = image(Runs.ramp(1, 4, 6), "bilinear", width, height, "disabled");
    assertThat(to.width()).isEqualTo(wantedWidth);
    assertThat(to.height()).isEqualTo(wantedHeight);
  }

  @ParameterizedTest
  @ValueSource(strings = {"nearest-exact", "bilinear", "area", "bicubic"})
  void latents_are_resized_channel_by_channel(String method) {
    LatentBatch from = latentRamp(2, 8, 9);
    LatentBatch to = latent(from, method, 88, 104, "disabled");
    assertThat(List.of(to.batch(), to.channels(), to.height(), to.width()))
        .containsExactly(2, 4, 13, 11);
    assertThat(to.values())
        .isEqualTo(Resize.apply(ResizeMethod.named(method), from.values(), 8, 8, 9, 1, 13, 11));
  }

  @Test
  void latents_are_resized_by_direction_with_bislerp() {
    LatentBatch from = latentRamp(2, 8, 9);
    assertThat(latent(from, "bislerp", 88, 104, "disabled").values())
        .isEqualTo(Bislerp.apply(from.values(), 2, 4, 8, 9, 13, 11));
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 16, 12",
    "0, 128, 21, 16",
    "256, 0, 32, 24",
    "0, 8, 10, 8",
    "8, 8, 8, 8",
    "72, 80, 9, 10",
    "79, 87, 9, 10"
  })
  void a_latent_is_at_least_64_pixels_wide_and_high(
      int width, int height, int wantedWidth, int wantedHeight) {
    LatentBatch to = latent(latentRamp(1, 12, 16), "nearest-exact", width, height, "disabled");
    assertThat(to.width()).isEqualTo(wantedWidth);
    assertThat(to.height()).isEqualTo(wantedHeight);
  }

  @Test
  void a_latent_s_mask_and_batch_places_stay_with_it() {
    MaskBatch mask = new MaskBatch(new float[4], 1, 2, 2);
    LatentBatch from = new LatentBatch(new float[4 * 64], 1, 4, 8, 8, mask, List.of(5));
    LatentBatch to = latent(from, "area", 128, 64, "center");
    assertThat(to.noiseMask()).isSameAs(mask);
    assertThat(to.batchIndex()).containsExactly(5);
  }
}
