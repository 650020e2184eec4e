package quartet.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Path;
import org.assertj.core.data.Percentage;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.TextEncoder;
import quartet.engine.value.Conditioning;
import quartet.safetensors.SafetensorsFile;

/**
 * The model's code asks for as many operations as the roofline of diffusion-numerics §12 counts.
 */
final class ModelCountTest {
  @Test
  void fullSizeModelDoesTheWorkOfTheRoofline(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("sd15.safetensors");
    SyntheticCheckpoint.write(file, SyntheticCheckpoint.Family.SD15, null);
    try (CountingBackend backend = new CountingBackend();
        SafetensorsFile weights = SafetensorsFile.open(file);
        CheckpointModels models = CheckpointModels.open(weights, backend)) {
      ModelBench.unet(models, backend, 64, 1).run();
      double unet = backend.count().total();
      assertThat(unet).isCloseTo(0.803e12, Percentage.withPercentage(0.5));
      ModelBench.unet(models, backend, 96, 2).run();
      assertThat(backend.count().total() - unet)
          .isCloseTo(4.296e12, Percentage.withPercentage(0.5));
      double before = backend.count().total();
      ModelBench.decode(models, 64).run();
      assertThat(backend.count().total() - before)
          .isCloseTo(2.515e12, Percentage.withPercentage(0.5));
    }
  }

  @Test
  void fullSizeSdxlHasItsParametersAndDoesItsWork(@TempDir Path folder) throws IOException {
    Path file = folder.resolve("sdxl.safetensors");
    SyntheticCheckpoint.write(file, SyntheticCheckpoint.Family.SDXL, null);
    try (CountingBackend backend = new CountingBackend();
        SafetensorsFile weights = SafetensorsFile.open(file);
        CheckpointModels models = CheckpointModels.open(weights, backend)) {
      long unet =
          weights.names().stream()
              .filter(name -> name.startsWith("model.diffusion_model."))
              .mapToLong(name -> weights.tensor(name).shape().elements())
              .sum();
      assertThat(unet / 1e6).isCloseTo(2567.5, Percentage.withPercentage(0.01));
      assertThat(models.diffusion().contextWidth()).isEqualTo(2048);
      assertThat(models.diffusion().labelWidth()).isEqualTo(2816);
      ModelBench.unet(models, backend, 128, 1).run();
      assertThat(backend.count().total()).isCloseTo(6.761e12, Percentage.withPercentage(0.5));
      Conditioning text = models.textEncoder().encode("a lighthouse", TextEncoder.DEFAULT_LAYER);
      assertThat(text.entries().getFirst().width()).isEqualTo(2048);
      assertThat(text.entries().getFirst().pooled()).hasSize(1280);
    }
  }
}
