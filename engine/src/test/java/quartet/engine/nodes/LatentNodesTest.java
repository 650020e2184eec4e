package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import quartet.engine.fake.FakeContext;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.MaskBatch;

/** Latent nodes on numbers small enough to follow. */
class LatentNodesTest {
  @TempDir Path base;

  private LatentBatch run(String node, Map<String, Object> inputs) {
    return (LatentBatch) Runs.run(node, inputs, FakeContext.below(base)).outputs().getFirst();
  }

  private static LatentBatch latent(int height, int width, float... values) {
    return new LatentBatch(values, values.length / (height * width), 1, height, width, null, null);
  }

  @ParameterizedTest
  @CsvSource({
    "none, 1 2 3 4 5 6, 2, 3",
    "90 degrees, 4 1 5 2 6 3, 3, 2",
    "180 degrees, 6 5 4 3 2 1, 2, 3",
    "270 degrees, 3 6 2 5 1 4, 3, 2",
  })
  void rotationIsClockwise(String rotation, String expected, int height, int width) {
    LatentBatch turned =
        run(
            "LatentRotate",
            Map.of("samples", latent(2, 3, 1, 2, 3, 4, 5, 6), "rotation", rotation));
    assertThat(turned.values()).containsExactly(numbers(expected));
    assertThat(turned.height()).isEqualTo(height);
    assertThat(turned.width()).isEqualTo(width);
  }

  private static float[] numbers(String text) {
    String[] parts = text.split(" ", -1);
    float[] out = new float[parts.length];
    for (int i = 0; i < out.length; i++) {
      out[i] = Float.parseFloat(parts[i]);
    }
    return out;
  }

  @Test
  void flippingMirrors() {
    LatentBatch samples = latent(2, 2, 1, 2, 3, 4);
    assertThat(
            run("LatentFlip", Map.of("samples", samples, "flip_method", "x-axis: vertically"))
                .values())
        .containsExactly(3, 4, 1, 2);
    assertThat(
            run("LatentFlip", Map.of("samples", samples, "flip_method", "y-axis: horizontally"))
                .values())
        .containsExactly(2, 1, 4, 3);
  }

  @Test
  void croppingStaysInsideThePicture() {
    float[] values = new float[16 * 16];
    for (int i = 0; i < values.length; i++) {
      values[i] = i;
    }
    LatentBatch cut =
        run(
            "LatentCrop",
            Map.of(
                "samples",
                latent(16, 16, values),
                "width",
                64L,
                "height",
                64L,
                "x",
                32L,
                "y",
                16L));
    assertThat(cut.height()).isEqualTo(8);
    assertThat(cut.width()).isEqualTo(8);
    assertThat(cut.values()[0]).isEqualTo(2 * 16 + 4);
    LatentBatch beyond =
        run(
            "LatentCrop",
            Map.of(
                "samples",
                latent(16, 16, values),
                "width",
                512L,
                "height",
                512L,
                "x",
                4096L,
                "y",
                0L));
    assertThat(beyond.width()).isEqualTo(8);
    assertThat(beyond.values()[0]).isEqualTo(8);
  }

  @Test
  void arithmeticGoesNumberByNumber() {
    LatentBatch a = latent(1, 2, 1, 2);
    LatentBatch b = latent(1, 2, 10, 30);
    Map<String, Object> both = Map.of("samples1", a, "samples2", b);
    assertThat(run("LatentAdd", both).values()).containsExactly(11, 32);
    assertThat(run("LatentSubtract", both).values()).containsExactly(-9, -28);
    assertThat(run("LatentMultiply", Map.of("samples", a, "multiplier", -2.0)).values())
        .containsExactly(-2, -4);
    assertThat(
            run("LatentBlend", Map.of("samples1", a, "samples2", b, "blend_factor", 0.75)).values())
        .containsExactly(0.75f + 2.5f, 1.5f + 7.5f);
  }

  @Test
  void interpolationMixesLengthsAndDirections() {
    LatentBatch a = new LatentBatch(new float[] {3, 0}, 1, 2, 1, 1, null, null);
    LatentBatch b = new LatentBatch(new float[] {0, 1}, 1, 2, 1, 1, null, null);
    float[] middle =
        run("LatentInterpolate", Map.of("samples1", a, "samples2", b, "ratio", 0.5)).values();
    float root = (float) Math.sqrt(0.5);
    assertThat(middle[0]).isCloseTo(2 * root, within(1e-6f));
    assertThat(middle[1]).isCloseTo(2 * root, within(1e-6f));
    assertThat(
            run("LatentInterpolate", Map.of("samples1", a, "samples2", b, "ratio", 1.0)).values())
        .containsExactly(3, 0);
  }

  @Test
  void compositesReplaceAndFade() {
    LatentBatch below = latent(4, 4, new float[16]);
    LatentBatch above = latent(2, 2, 1, 1, 1, 1);
    LatentBatch hard =
        run(
            "LatentComposite",
            Map.of("samples_to", below, "samples_from", above, "x", 16L, "y", 8L, "feather", 0L));
    assertThat(hard.values()).containsExactly(0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 1, 1, 0, 0, 0, 0);
    LatentBatch soft =
        run(
            "LatentComposite",
            Map.of(
                "samples_to",
                below,
                "samples_from",
                latent(2, 4, 1, 1, 1, 1, 1, 1, 1, 1),
                "x",
                0L,
                "y",
                16L,
                "feather",
                16L));
    assertThat(soft.values())
        .containsExactly(0, 0, 0, 0, 0, 0, 0, 0, .5f, .5f, .5f, .5f, 1, 1, 1, 1);
    MaskBatch half = new MaskBatch(new float[] {1, 0, 1, 0}, 1, 2, 2);
    LatentBatch masked =
        run(
            "LatentCompositeMasked",
            Map.of(
                "destination",
                latent(2, 2, 0, 0, 0, 0),
                "source",
                above,
                "x",
                0L,
                "y",
                0L,
                "resize_source",
                false,
                "mask",
                half));
    assertThat(masked.values()).containsExactly(1, 0, 1, 0);
  }

  @Test
  void batchesKeepTheirDraws() {
    LatentBatch two = latent(1, 1, 5, 6);
    LatentBatch joined = run("LatentBatch", Map.of("samples1", two, "samples2", two));
    assertThat(joined.values()).containsExactly(5, 6, 5, 6);
    assertThat(joined.batchIndex()).containsExactly(0, 1, 0, 1);
    LatentBatch part =
        run("LatentFromBatch", Map.of("samples", joined, "batch_index", 1L, "length", 2L));
    assertThat(part.values()).containsExactly(6, 5);
    assertThat(part.batchIndex()).containsExactly(1, 0);
    LatentBatch again = run("RepeatLatentBatch", Map.of("samples", part, "amount", 2L));
    assertThat(again.values()).containsExactly(6, 5, 6, 5);
    assertThat(again.batchIndex()).containsExactly(1, 0, 3, 2);
    assertThat(run("RepeatLatentBatch", Map.of("samples", two, "amount", 3L)).batchIndex())
        .isNull();
    LatentBatch fixed =
        run("LatentBatchSeedBehavior", Map.of("samples", again, "seed_behavior", "fixed"));
    assertThat(fixed.batchIndex()).isEqualTo(List.of(1, 1, 1, 1));
    assertThat(
            run("LatentBatchSeedBehavior", Map.of("samples", again, "seed_behavior", "random"))
                .batchIndex())
        .isNull();
  }

  @Test
  void sizesGrowByAFactor() {
    LatentBatch large =
        run(
            "LatentUpscaleBy",
            Map.of(
                "samples",
                latent(2, 2, 1, 2, 3, 4),
                "upscale_method",
                "nearest-exact",
                "scale_by",
                1.5));
    assertThat(large.height()).isEqualTo(3);
    assertThat(large.values()).hasSize(9);
    assertThat(large.values()[0]).isEqualTo(1);
    assertThat(large.values()[8]).isEqualTo(4);
  }

  @Test
  void aNoiseMaskGoesWithTheLatent() {
    MaskBatch mask = new MaskBatch(new float[] {1}, 1, 1, 1);
    assertThat(
            run("SetLatentNoiseMask", Map.of("samples", latent(1, 1, 0), "mask", mask)).noiseMask())
        .isSameAs(mask);
  }

  @Test
  void latentsOfOtherModelsDoNotMix() {
    LatentBatch sixteen = LatentBatch.zeros(1, 16, 1, 1);
    assertThatThrownBy(
            () -> run("LatentAdd", Map.of("samples1", latent(1, 1, 0), "samples2", sixteen)))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("1 and 16 channels");
  }
}
