package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.io.IOException;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.fake.FakeContext;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.MaskBatch;
import quartet.image.Pixels;
import quartet.image.PngWriter;

/** Mask and picture nodes on numbers small enough to follow. */
class MaskAndImageNodesTest {
  @TempDir Path base;

  private Object run(String node, Map<String, Object> inputs) {
    return Runs.run(node, inputs, FakeContext.below(base)).outputs().getFirst();
  }

  private float[] mask(String node, Map<String, Object> inputs) {
    return ((MaskBatch) run(node, inputs)).values();
  }

  private float[] image(String node, Map<String, Object> inputs) {
    return ((ImageBatch) run(node, inputs)).values();
  }

  private static MaskBatch mask(int height, int width, float... values) {
    return new MaskBatch(values, values.length / (height * width), height, width);
  }

  private static ImageBatch grey(int height, int width, float... values) {
    float[] out = new float[values.length * 3];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i / 3];
    }
    return new ImageBatch(out, values.length / (height * width), height, width, 3);
  }

  @Test
  void simpleMasks() {
    assertThat(mask("InvertMask", Map.of("mask", mask(1, 2, 0.25f, 1)))).containsExactly(0.75f, 0);
    assertThat(mask("SolidMask", Map.of("value", 0.5, "width", 2L, "height", 1L)))
        .containsExactly(0.5f, 0.5f);
    assertThat(mask("ThresholdMask", Map.of("mask", mask(1, 3, 0.4f, 0.5f, 0.6f), "value", 0.5)))
        .containsExactly(0, 0, 1);
    assertThat(
            mask(
                "CropMask",
                Map.of(
                    "mask", mask(2, 2, 1, 2, 3, 4), "x", 1L, "y", 0L, "width", 5L, "height", 1L)))
        .containsExactly(2);
  }

  @Test
  void masksGrowWithAndWithoutCorners() {
    float[] dot = new float[25];
    dot[12] = 1;
    float[] plus =
        mask("GrowMask", Map.of("mask", mask(5, 5, dot), "expand", 1L, "tapered_corners", true));
    float[] square =
        mask("GrowMask", Map.of("mask", mask(5, 5, dot), "expand", 1L, "tapered_corners", false));
    assertThat(count(plus)).isEqualTo(5);
    assertThat(count(square)).isEqualTo(9);
    float[] back =
        mask(
            "GrowMask",
            Map.of("mask", mask(5, 5, square), "expand", -1L, "tapered_corners", false));
    assertThat(back).containsExactly(dot);
  }

  private static int count(float[] values) {
    int count = 0;
    for (float value : values) {
      count += value == 0 ? 0 : 1;
    }
    return count;
  }

  @ParameterizedTest
  @CsvSource({
    "multiply, 0.25 0 0.5",
    "add, 1 1 1",
    "subtract, 0 0 0.5",
    "and, 0 0 1",
    "or, 0 1 1",
    "xor, 0 1 0",
  })
  void masksAreCombined(String operation, String expected) {
    float[] out =
        mask(
            "MaskComposite",
            Map.of(
                "destination",
                mask(1, 3, 0.5f, 0, 1),
                "source",
                mask(
                    1,
                    3,
                    0.5f,
                    1,
                    operation.equals("and") || operation.equals("or") || operation.equals("xor")
                        ? 1
                        : 0.5f),
                "x",
                0L,
                "y",
                0L,
                "operation",
                operation));
    String[] numbers = expected.split(" ", -1);
    for (int i = 0; i < numbers.length; i++) {
      assertThat(out[i]).isCloseTo(Float.parseFloat(numbers[i]), within(1e-6f));
    }
  }

  @Test
  void featheredMasksRiseFromTheirEdges() {
    float[] ones = new float[16];
    java.util.Arrays.fill(ones, 1f);
    float[] out =
        mask(
            "FeatherMask",
            Map.of("mask", mask(4, 4, ones), "left", 2L, "top", 0L, "right", 1L, "bottom", 0L));
    assertThat(out).startsWith(0.5f, 1f, 1f, 1f);
    float[] both =
        mask(
            "FeatherMask",
            Map.of("mask", mask(4, 4, ones), "left", 0L, "top", 4L, "right", 0L, "bottom", 0L));
    assertThat(both[0]).isEqualTo(0.25f);
    assertThat(both[15]).isEqualTo(1f);
  }

  @Test
  void masksAndPicturesTurnIntoEachOther() {
    ImageBatch picture = (ImageBatch) run("MaskToImage", Map.of("mask", mask(1, 2, 0.2f, 0.8f)));
    assertThat(picture.values()).containsExactly(0.2f, 0.2f, 0.2f, 0.8f, 0.8f, 0.8f);
    assertThat(mask("ImageToMask", Map.of("image", picture, "channel", "blue")))
        .containsExactly(0.2f, 0.8f);
    assertThatThrownBy(() -> mask("ImageToMask", Map.of("image", picture, "channel", "alpha")))
        .hasMessageContaining("no alpha channel");
    ImageBatch red = new ImageBatch(new float[] {1, 0, 0, 1, 0, 0.01f}, 1, 1, 2, 3);
    assertThat(mask("ImageColorToMask", Map.of("image", red, "color", 0xFF0000L)))
        .containsExactly(1, 0);
  }

  @Test
  void picturesAreJoinedCutRepeatedAndInverted() {
    ImageBatch one = grey(1, 2, 0.25f, 0.5f);
    assertThat(image("ImageInvert", Map.of("image", one)))
        .containsExactly(0.75f, 0.75f, 0.75f, 0.5f, 0.5f, 0.5f);
    ImageBatch joined =
        (ImageBatch) run("ImageBatch", Map.of("image1", one, "image2", grey(2, 4, new float[8])));
    assertThat(joined.batch()).isEqualTo(2);
    assertThat(joined.values()).hasSize(12).endsWith(0, 0, 0, 0, 0, 0);
    assertThat(
            image("ImageCrop", Map.of("image", one, "width", 1L, "height", 1L, "x", 1L, "y", 0L)))
        .containsExactly(0.5f, 0.5f, 0.5f);
    ImageBatch three = (ImageBatch) run("RepeatImageBatch", Map.of("image", one, "amount", 3L));
    assertThat(three.batch()).isEqualTo(3);
    assertThat(image("ImageFromBatch", Map.of("image", joined, "batch_index", 1L, "length", 9L)))
        .hasSize(6)
        .containsOnly(0f);
    ImageBatch large =
        (ImageBatch)
            run(
                "ImageScaleBy",
                Map.of("image", one, "upscale_method", "nearest-exact", "scale_by", 2.0));
    assertThat(large.width()).isEqualTo(4);
    ImageBatch total =
        (ImageBatch)
            run(
                "ImageScaleToTotalPixels",
                Map.of("image", one, "upscale_method", "area", "megapixels", 0.01));
    assertThat(total.width() * total.height()).isBetween(10000, 10700);
  }

  @Test
  void paddingSaysWhereToPaint() {
    List<Object> outputs =
        Runs.run(
                "ImagePadForOutpaint",
                Map.of(
                    "image",
                    grey(4, 4, new float[16]),
                    "left",
                    0L,
                    "top",
                    0L,
                    "right",
                    8L,
                    "bottom",
                    0L,
                    "feathering",
                    1L),
                FakeContext.below(base))
            .outputs();
    ImageBatch picture = (ImageBatch) outputs.get(0);
    MaskBatch mask = (MaskBatch) outputs.get(1);
    assertThat(picture.width()).isEqualTo(12);
    assertThat(picture.values()[3 * 5]).isEqualTo(0.5f);
    assertThat(mask.values()[0]).isZero();
    assertThat(mask.values()[5]).isEqualTo(1f);
  }

  @ParameterizedTest
  @CsvSource({
    "normal, 0.8",
    "multiply, 0.2",
    "screen, 0.85",
    "overlay, 0.4",
    "difference, 0",
    "soft_light, 0.4",
  })
  void blendModes(String mode, float expected) {
    float[] out =
        image(
            "ImageBlend",
            Map.of(
                "image1",
                grey(1, 1, 0.25f),
                "image2",
                grey(1, 1, 0.8f),
                "blend_factor",
                1.0,
                "blend_mode",
                mode));
    assertThat(out[0]).isCloseTo(expected, within(1e-5f));
  }

  @Test
  void filtersKeepFlatPicturesAndMoveEdges() {
    ImageBatch flat = grey(3, 3, .5f, .5f, .5f, .5f, .5f, .5f, .5f, .5f, .5f);
    for (String node : List.of("ImageBlur", "ImageSharpen")) {
      String radius = node.equals("ImageBlur") ? "blur_radius" : "sharpen_radius";
      float[] out = image(node, Map.of("image", flat, radius, 1L, "sigma", 1.0, "alpha", 1.0));
      for (float value : out) {
        assertThat(value).isCloseTo(0.5f, within(1e-5f));
      }
    }
    ImageBatch edge = grey(1, 4, 0.4f, 0.4f, 0.6f, 0.6f);
    float[] blurred = image("ImageBlur", Map.of("image", edge, "blur_radius", 1L, "sigma", 1.0));
    assertThat(blurred[3]).isBetween(0.4f, 0.5f);
    float[] sharp =
        image(
            "ImageSharpen",
            Map.of("image", edge, "sharpen_radius", 1L, "sigma", 1.0, "alpha", 0.1));
    assertThat(sharp[3]).isLessThan(0.4f);
    assertThat(sharp[6]).isGreaterThan(0.6f);
  }

  @Test
  void picturesArePutOntoEachOther() {
    float[] out =
        image(
            "ImageCompositeMasked",
            Map.of(
                "destination",
                grey(1, 3, 0, 0, 0),
                "source",
                grey(1, 2, 1, 1),
                "x",
                1L,
                "y",
                0L,
                "resize_source",
                false,
                "mask",
                mask(1, 2, 1, 0.5f)));
    assertThat(out).containsExactly(0, 0, 0, 1, 1, 1, .5f, .5f, .5f);
  }

  @Test
  void oneChannelOfAFileIsAMask() throws IOException {
    FakeContext context = FakeContext.below(base);
    byte[] rgba = {(byte) 255, 0, 0, 51, 0, 0, 0, (byte) 255};
    PngWriter.write(
        context.files().output().resolveSibling("input/m.png"),
        new Pixels(rgba, 1, 2, 4),
        Map.of(),
        1);
    assertThat(mask("LoadImageMask", Map.of("image", "m.png", "channel", "alpha")))
        .containsExactly(0.8f, 0);
    assertThat(mask("LoadImageMask", Map.of("image", "m.png", "channel", "red")))
        .containsExactly(1, 0);
    PngWriter.write(
        context.files().output().resolveSibling("input/o.png"),
        new Pixels(new byte[3], 1, 1, 3),
        Map.of(),
        1);
    assertThat(mask("LoadImageMask", Map.of("image", "o.png", "channel", "alpha")))
        .hasSize(64 * 64)
        .containsOnly(0f);
  }
}
