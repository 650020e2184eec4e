package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.backends.BackendKind;
import quartet.engine.run.CancelToken;
import quartet.engine.sampling.KSampler;
import quartet.engine.sampling.SamplingListener;
import quartet.engine.sampling.SamplingRequest;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.engine.value.SeenImages;
import quartet.safetensors.SafetensorsFile;
import quartet.testkit.Goldens;

/** Vision towers, a style adapter and an unCLIP model against {@code tools/goldens/vision.py}. */
final class VisionTest {
  private static final double TENSOR = 1e-5;
  private static final double RUN = 1e-4;
  private static final int SIDE = 42;

  private static ImageBatch images(GoldenSetting setting, String name) {
    var shape = setting.expected().tensor(name).shape();
    return new ImageBatch(
        setting.floats(name), shape.dim(0), shape.dim(1), shape.dim(2), shape.dim(3));
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void picturesOfAnySizeAreSeen(BackendKind kind) {
    try (GoldenSetting setting = GoldenSetting.of("tiny_vision", kind)) {
      for (String name : List.of("large", "small", "large_whole")) {
        boolean crop = !name.endsWith("_whole");
        ImageBatch images = images(setting, crop ? name : "large");
        VisionTower tower = setting.models().vision();
        float[] expected = setting.floats(name + ".pixels");
        for (int b = 0; b < images.batch(); b++) {
          float[] item =
              Arrays.copyOfRange(expected, b * SIDE * SIDE * 3, (b + 1) * SIDE * SIDE * 3);
          float[] pixels = tower.pixels(images, b, crop);
          for (int p = 0; p < SIDE * SIDE; p++) {
            for (int c = 0; c < 3; c++) {
              assertThat(pixels[p * 3 + c]).isCloseTo(item[c * SIDE * SIDE + p], within());
            }
          }
        }
        SeenImages seen = tower.encode(images, crop);
        assertThat(seen.batch()).isEqualTo(2);
        assertThat(seen.tokens()).isEqualTo(10);
        setting.assertClose(name + ".hidden", seen.hidden(), TENSOR);
        setting.assertClose(name + ".embeds", seen.embeddings(), TENSOR);
      }
    }
  }

  private static org.assertj.core.data.Offset<Float> within() {
    return org.assertj.core.data.Offset.offset(1e-5f);
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void aStyleAdapterMakesWordsOfPictures(BackendKind kind) {
    try (GoldenSetting setting = GoldenSetting.of("tiny_style", kind);
        SafetensorsFile vision = Goldens.tensors("tiny_vision_expected")) {
      SeenImages seen =
          new SeenImages(
              vision.tensor("large.hidden").toFloats(),
              vision.tensor("large.embeds").toFloats(),
              2,
              10,
              64,
              32);
      setting.assertClose("tokens", setting.models().style().tokens(seen), TENSOR);
      SeenImages other = new SeenImages(new float[32], new float[32], 1, 1, 32, 32);
      assertThatThrownBy(() -> setting.models().style().tokens(other))
          .hasMessageContaining("made for another vision tower");
    }
  }

  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void anUnclipModelIsToldOfPictures(BackendKind kind) {
    try (GoldenSetting setting = GoldenSetting.of("tiny_unclip", kind)) {
      SeenImages seen = setting.models().vision().encode(images(setting, "images"), true);
      setting.assertClose("hidden", seen.hidden(), TENSOR);
      setting.assertClose("embeds", seen.embeddings(), TENSOR);
      DiffusionModel model = setting.models().diffusion();
      assertThat(model.label()).isEqualTo(LabelKind.IMAGE);
      assertThat(model.prediction()).isEqualTo(Prediction.VELOCITY);
      assertThat(model.latentFormat()).isEqualTo(LatentFormat.SD15);
      Conditioning negative = Conditioning.of(setting.floats("negative"), 77, 64, null);
      Conditioning text = Conditioning.of(setting.floats("positive"), 77, 64, null);
      Conditioning one =
          text.map(entry -> entry.withImage(new Conditioning.ImageUse(item(seen, 0), 0.8, 0.3)));
      Conditioning two =
          one.map(entry -> entry.withImage(new Conditioning.ImageUse(item(seen, 1), 1, 0)));
      for (var choice : List.of(java.util.Map.entry("one", one), java.util.Map.entry("two", two))) {
        Conditioning positive = choice.getValue();
        float[] label = ImageLabel.of(positive.entries().getFirst(), model.labelWidth(), 42);
        setting.assertClose("label." + choice.getKey(), label, TENSOR);
        SamplingRequest request =
            SamplingRequest.whole(
                42, 3, 5, "euler", "normal", positive, negative, LatentBatch.zeros(1, 4, 16, 12));
        LatentBatch latent =
            KSampler.sample(
                setting.opened().backend(),
                model,
                request,
                SamplingListener.NONE,
                CancelToken.NEVER);
        setting.assertClose("run." + choice.getKey(), latent.values(), RUN);
      }
    }
  }

  private static SeenImages item(SeenImages seen, int b) {
    int hidden = seen.tokens() * seen.width();
    int width = seen.embeddingWidth();
    return new SeenImages(
        Arrays.copyOfRange(seen.hidden(), b * hidden, (b + 1) * hidden),
        Arrays.copyOfRange(seen.embeddings(), b * width, (b + 1) * width),
        1,
        seen.tokens(),
        seen.width(),
        width);
  }
}
