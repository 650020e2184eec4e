package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import quartet.engine.backends.BackendKind;
import quartet.engine.model.CheckpointModels;
import quartet.engine.run.CancelToken;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.safetensors.SafetensorsFile;
import quartet.testkit.TensorAssertions;

/**
 * The demo checkpoint's whole way from prompt to latent and picture, against the independent
 * sampler in {@code tools/demo-model}.
 */
final class DemoRunTest {
  private static final Path ROOT = Path.of("..");

  @Test
  void theLandscapeIsTheOneThatPyTorchPaints() {
    Path expectedFile =
        ROOT.resolve("tools/demo-model/expected/landscape_seed123456_latent.safetensors");
    try (SafetensorsFile file =
            SafetensorsFile.open(ROOT.resolve("models/checkpoints/quartet-demo.safetensors"));
        SafetensorsFile expected = SafetensorsFile.open(expectedFile);
        BackendKind.Opened opened = BackendKind.CPU.open();
        CheckpointModels models = CheckpointModels.open(file, opened.backend())) {
      SamplingRequest request =
          SamplingRequest.whole(
              123456,
              20,
              8,
              "euler",
              "normal",
              models.textEncoder().encode("beautiful landscape, high quality", -1),
              models.textEncoder().encode("bad quality, blurry", -1),
              LatentBatch.zeros(1, 4, 64, 64));
      LatentBatch latent =
          KSampler.sample(
              opened.backend(),
              models.diffusion(),
              request,
              SamplingListener.NONE,
              CancelToken.NEVER);
      double distance =
          TensorAssertions.relativeRms(latent.values(), expected.tensor("latent").toFloats());
      // Twenty steps of float32 sums in another order.
      assertThat(distance).isLessThan(5e-4);
      ImageBatch image = models.vae().decode(latent, CancelToken.NEVER);
      assertThat(image.height()).isEqualTo(512);
    }
  }
}
