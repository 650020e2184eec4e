package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

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

/** Turning, mirroring, fitting, noise and transparency on numbers small enough to follow. */
class PictureNodesTest {
  @TempDir Path base;

  private List<Object> run(String node, Map<String, Object> inputs) {
    return Runs.run(node, inputs, FakeContext.below(base)).outputs();
  }

  private ImageBatch image(String node, Map<String, Object> inputs) {
    return (ImageBatch) run(node, inputs).getFirst();
  }

  /** One number a pixel, thrice. */
  private static ImageBatch grey(int height, int width, float... values) {
    float[] out = new float[values.length * 3];
    for (int i = 0; i < out.length; i++) {
      out[i] = values[i / 3];
    }
    return new ImageBatch(out, values.length / (height * width), height, width, 3);
  }

  private static String firsts(ImageBatch image) {
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < image.values().length; i += image.channels()) {
      text.append(i == 0 ? "" : " ").append((int) image.values()[i]);
    }
    return text.toString();
  }

  @ParameterizedTest
  @CsvSource({
    "ImageRotate, rotation, none, 2, 1 2 3 4 5 6 7 8 9 10 11 12",
    "ImageRotate, rotation, 90 degrees, 3, 4 1 5 2 6 3 10 7 11 8 12 9",
    "ImageRotate, rotation, 180 degrees, 2, 6 5 4 3 2 1 12 11 10 9 8 7",
    "ImageRotate, rotation, 270 degrees, 3, 3 6 2 5 1 4 9 12 8 11 7 10",
    "ImageFlip, flip_method, x-axis: vertically, 2, 4 5 6 1 2 3 10 11 12 7 8 9",
    "ImageFlip, flip_method, y-axis: horizontally, 2, 3 2 1 6 5 4 9 8 7 12 11 10",
  })
  void picturesTurnClockwiseAndAreMirrored(
      String node, String input, String how, int height, String expected) {
    ImageBatch two = grey(2, 3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12);
    ImageBatch moved = image(node, Map.of("image", two, input, how));
    assertThat(moved.height()).isEqualTo(height);
    assertThat(moved.width()).isEqualTo(5 - height);
    assertThat(firsts(moved)).isEqualTo(expected);
  }

  @ParameterizedTest
  @CsvSource({"2, 4, 3, 2, 3", "4, 2, 3, 3, 2", "2, 2, 5, 5, 5", "1, 8, 4, 1, 4"})
  void theLongerSideBecomesWhatIsWanted(
      int height, int width, long largest, int newHeight, int newWidth) {
    ImageBatch scaled =
        image(
            "ImageScaleToMaxDimension",
            Map.of(
                "image",
                grey(height, width, new float[height * width]),
                "upscale_method",
                "area",
                "largest_size",
                largest));
    assertThat(scaled.height()).isEqualTo(newHeight);
    assertThat(scaled.width()).isEqualTo(newWidth);
  }

  @Test
  void whatARectangleLeavesIsFilledEvenly() {
    ImageBatch framed =
        image(
            "ResizeAndPadImage",
            Map.of(
                "image",
                grey(1, 2, 3, 4),
                "target_width",
                4L,
                "target_height",
                5L,
                "padding_color",
                "white",
                "interpolation",
                "nearest-exact"));
    assertThat(firsts(framed)).isEqualTo("1 1 1 1 3 3 4 4 3 3 4 4 1 1 1 1 1 1 1 1");
  }

  @Test
  void aSizeIsWidthHeightAndCount() {
    assertThat(run("GetImageSize", Map.of("image", grey(1, 3, 1, 2, 3, 4, 5, 6))))
        .containsExactly(3L, 1L, 2L);
  }

  /** The first numbers of torch.manual_seed(0); torch.randn. */
  @Test
  void noiseIsPyTorchsAndIsCut() {
    float[] half = {0.5f, 0.5f};
    ImageBatch noisy =
        image("ImageAddNoise", Map.of("image", grey(1, 2, half), "seed", 0L, "strength", 0.5));
    float[] drawn = {1.5409961f, -0.2934289f, -2.1787894f, 0.56843126f, -1.0845224f, -1.3985955f};
    for (int i = 0; i < drawn.length; i++) {
      float expected = Math.clamp(0.5f + 0.5f * drawn[i], 0f, 1f);
      assertThat(noisy.values()[i]).isCloseTo(expected, within(1e-6f));
    }
  }

  @Test
  void transparencyIsTakenOffAndPutBack() {
    ImageBatch clear = new ImageBatch(new float[] {1, 2, 3, 0.25f, 4, 5, 6, 1}, 1, 1, 2, 4);
    List<Object> parts = run("SplitImageWithAlpha", Map.of("image", clear));
    ImageBatch colours = (ImageBatch) parts.get(0);
    MaskBatch mask = (MaskBatch) parts.get(1);
    assertThat(colours.values()).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(mask.values()).containsExactly(0.75f, 0);
    ImageBatch again = image("JoinImageWithAlpha", Map.of("image", colours, "alpha", mask));
    assertThat(again.values()).containsExactly(clear.values());
    List<Object> opaque = run("SplitImageWithAlpha", Map.of("image", colours));
    assertThat(((MaskBatch) opaque.get(1)).values()).containsOnly(0f);
  }

  @Test
  void aMaskOfAnotherSizeIsResizedAndBatchesAreRepeated() {
    MaskBatch two = new MaskBatch(new float[] {1, 0}, 2, 1, 1);
    ImageBatch joined =
        image("JoinImageWithAlpha", Map.of("image", grey(1, 2, 7, 8), "alpha", two));
    assertThat(joined.batch()).isEqualTo(2);
    assertThat(joined.values()).containsExactly(7, 7, 7, 0, 8, 8, 8, 0, 7, 7, 7, 1, 8, 8, 8, 1);
  }
}
