package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.CheckpointModels;
import quartet.engine.run.CancelToken;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/** The whole way of the golden run: four steps of euler at guidance 5, then the picture. */
final class TinyRunTest {
  @ParameterizedTest
  @EnumSource(BackendKind.class)
  void theGoldenRunGivesTheGoldenPicture(BackendKind kind) {
    try (SafetensorsFile file = Goldens.tensors("tiny_sd15");
        SafetensorsFile expected = Goldens.tensors("tiny_sd15_expected");
        BackendKind.Opened opened = kind.open();
        CheckpointModels models = CheckpointModels.open(file, opened.backend())) {
      Backend backend = opened.backend();
      Conditioning positive =
          Conditioning.of(expected.tensor("clip.positive.last").toFloats(), 77, 64, null);
      Conditioning negative =
          Conditioning.of(expected.tensor("clip.negative.last").toFloats(), 77, 64, null);
      SamplingRequest request =
          SamplingRequest.whole(
              123456, 4, 5, "euler", "normal", positive, negative, LatentBatch.zeros(1, 4, 16, 16));
      List<float[]> previews = new ArrayList<>();
      LatentBatch latent =
          KSampler.sample(
              backend,
              models.diffusion(),
              request,
              (step, total, preview) -> {
                assertThat(total).isEqualTo(4);
                previews.add(preview.get().values());
              },
              CancelToken.NEVER);
      for (int k = 0; k < 4; k++) {
        float[] denoised = expected.tensor("euler.step" + k + ".denoised").toFloats();
        float[] actual = previews.get(k);
        for (int i = 0; i < actual.length; i++) {
          actual[i] *= 0.18215f;
        }
        assertClose("euler.step" + k + ".denoised", actual, denoised, 1e-4);
      }
      assertClose(
          "euler.latent", latent.values(), expected.tensor("euler.latent").toFloats(), 1e-4);
      ImageBatch image = models.vae().decode(latent, CancelToken.NEVER);
      assertClose("euler.image", image.values(), expected.tensor("euler.image").toFloats(), 1e-4);
      float[] bytes = expected.tensor("euler.image_u8").toFloats();
      int different = 0;
      for (int i = 0; i < bytes.length; i++) {
        int level = (int) (255.0f * image.values()[i]);
        assertThat(Math.abs(level - (int) bytes[i])).isLessThanOrEqualTo(1);
        different += level == (int) bytes[i] ? 0 : 1;
      }
      assertThat(different).isLessThan(bytes.length / 500);
      assertThat(backend.memory().scopeBytes()).isZero();
    }
  }

  private static void assertClose(String name, float[] actual, float[] expected, double bound) {
    double distance = TensorAssertions.relativeRms(actual, expected);
    assertThat(distance).as(name).isLessThanOrEqualTo(bound);
  }
}
