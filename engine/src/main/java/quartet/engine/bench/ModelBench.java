package quartet.engine.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.TextEncoder;
import quartet.engine.run.CancelToken;
import quartet.engine.sampling.KSampler;
import quartet.engine.sampling.SamplingListener;
import quartet.engine.sampling.SamplingRequest;
import quartet.engine.value.Conditioning;
import quartet.engine.value.ImageBatch;
import quartet.engine.value.LatentBatch;
import quartet.image.Pixels;
import quartet.image.PngWriter;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;

/**
 * A checkpoint's models on a device: loading, sampling, decoding, and a whole prompt from text to
 * PNG bytes.
 */
public final class ModelBench {
  private static final int STEPS = 20;
  private static final double CFG = 8;
  private static final long SEED = 123456;
  private static final int RUNS = 5;
  private static final int WARM_UPS = 3;

  /** SaveImage's. */
  private static final int PNG_LEVEL = 4;

  private final Backend backend;
  private final Path checkpoint;
  private final DeviceClock clock;

  /** For a backend and a checkpoint. */
  public ModelBench(Backend backend, Path checkpoint) {
    this.backend = backend;
    this.checkpoint = checkpoint;
    this.clock = new DeviceClock(backend);
  }

  /**
   * Measures all of it, one figure after the other.
   *
   * @param extent of the pictures, in pixels
   * @param batches to sample
   */
  public void run(int extent, List<Integer> batches, Consumer<Figure> figures) {
    try (SafetensorsFile file = SafetensorsFile.open(checkpoint)) {
      figures.accept(loading(file, "first load of the UNet, page-locking included", 0, 1));
      try (CheckpointModels other = CheckpointModels.open(file, backend)) {
        other.vae(); // keeps the file page-locked
        clock.finish();
        figures.accept(loading(file, "load of the UNet, file page-locked", WARM_UPS, RUNS));
      }
      try (CheckpointModels models = CheckpointModels.open(file, backend)) {
        for (int batch : batches) {
          figures.accept(sample(models, extent, batch));
        }
        figures.accept(decode(models, extent));
        figures.accept(decode(models, 2 * extent));
        figures.accept(encode(models));
        figures.accept(prompt(models, extent));
      }
    }
  }

  /** The best of some loads after a few that do not count. */
  private Figure loading(SafetensorsFile file, String work, int warmUps, int runs) {
    double best = Double.POSITIVE_INFINITY;
    long bytes = 0;
    for (int i = 0; i < warmUps + runs; i++) {
      long start = System.nanoTime();
      try (CheckpointModels models = CheckpointModels.open(file, backend)) {
        models.diffusion();
        clock.finish();
        bytes = models.parameterBytes();
        if (i >= warmUps) {
          best = Math.min(best, (System.nanoTime() - start) / 1e6);
        }
      }
    }
    return new Figure(work, best, bytes / best / 1e6, "GB/s", Double.NaN);
  }

  private static SamplingRequest request(Conditioning conditioning, int extent, int batch) {
    int size = extent / 8;
    return SamplingRequest.whole(
        SEED,
        STEPS,
        CFG,
        "euler",
        "normal",
        conditioning,
        conditioning,
        LatentBatch.zeros(batch, 4, size, size));
  }

  private LatentBatch sampled(
      CheckpointModels models, Conditioning conditioning, int extent, int batch) {
    return KSampler.sample(
        backend,
        models.diffusion(),
        request(conditioning, extent, batch),
        SamplingListener.NONE,
        CancelToken.NEVER);
  }

  private Figure sample(CheckpointModels models, int extent, int batch) {
    Conditioning conditioning =
        models.textEncoder().encode("beautiful landscape", TextEncoder.DEFAULT_LAYER);
    double best = best(() -> sampled(models, conditioning, extent, batch));
    return new Figure(
        "sampling %d², batch %d, euler, %d steps, CFG".formatted(extent, batch, STEPS),
        best,
        1000 * STEPS / best,
        "it/s",
        Double.NaN);
  }

  private Figure decode(CheckpointModels models, int extent) {
    LatentBatch latent = LatentBatch.zeros(1, 4, extent / 8, extent / 8);
    double best = best(() -> models.vae().decode(latent, CancelToken.NEVER));
    return new Figure(
        "VAE decode %d², pixels on the host".formatted(extent),
        best,
        1000 / best,
        "/s",
        Double.NaN);
  }

  private Figure encode(CheckpointModels models) {
    double best =
        best(
            () ->
                models
                    .textEncoder()
                    .encode("beautiful landscape, high quality", TextEncoder.DEFAULT_LAYER));
    return new Figure("text encoding", best, 1000 / best, "/s", Double.NaN);
  }

  private Figure prompt(CheckpointModels models, int extent) {
    double best = best(() -> whole(models, extent));
    return new Figure(
        "prompt to PNG bytes, %d², %d steps, warm".formatted(extent, STEPS),
        best,
        1000 / best,
        "/s",
        Double.NaN);
  }

  private byte[] whole(CheckpointModels models, int extent) {
    Conditioning conditioning =
        models.textEncoder().encode("beautiful landscape", TextEncoder.DEFAULT_LAYER);
    LatentBatch latent = sampled(models, conditioning, extent, 1);
    ImageBatch image = models.vae().decode(latent, CancelToken.NEVER);
    return PngWriter.encode(
        Pixels.of(image.values(), 0, image.height(), image.width(), image.channels()),
        Map.of(),
        PNG_LEVEL);
  }

  /** The fastest of several runs after three that do not count: what a warm, quiet device does. */
  private double best(Runnable work) {
    double best = Double.POSITIVE_INFINITY;
    for (int i = 0; i < RUNS + WARM_UPS; i++) {
      long start = System.nanoTime();
      work.run();
      clock.finish();
      double milliseconds = (System.nanoTime() - start) / 1e6;
      if (i >= WARM_UPS) {
        best = Math.min(best, milliseconds);
      }
    }
    return best;
  }
}
