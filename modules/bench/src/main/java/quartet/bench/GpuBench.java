package quartet.bench;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
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
import quartet.tensor.Device;
import quartet.tensor.cuda.CudaBackend;
import quartet.tensor.cuda.CudaSettings;
import quartet.tensor.cuda.HostRegistrations;

/**
 * The GPU from a plain class path, without Maven, actors or server: pictures to compare with
 * another implementation's, and work for a profiler to look at. Figures are {@code quartet bench
 * gpu}'s.
 *
 * <pre>
 * java … quartet.bench.GpuBench CACHE pictures CHECKPOINT FOLDER [EXTENT]
 * ncu … java … quartet.bench.GpuBench CACHE trace CHECKPOINT [EXTENT]
 * </pre>
 */
public final class GpuBench {
  private static final long SEED = 123456;
  private static final int STEPS = 20;
  private static final double CFG = 8;

  /** Width and height where none is given: Stable Diffusion 1.5's. */
  private static final int EXTENT = 512;

  private GpuBench() {}

  /** Writes pictures, or does one prompt's work. */
  public static void main(String[] args) throws IOException {
    if (args.length < 3) {
      System.err.println(
          "arguments: CACHE pictures CHECKPOINT FOLDER [EXTENT] | trace CHECKPOINT [EXTENT]");
      System.exit(2);
    }
    try (Backend backend =
        CudaBackend.open(
            new Device(Device.Kind.CUDA, 0),
            new HostRegistrations(),
            CudaSettings.standard().withCache(Path.of(args[0])))) {
      System.out.println(backend.description());
      switch (args[1]) {
        case "trace" -> trace(backend, Path.of(args[2]), extent(args, 3));
        case "pictures" -> pictures(backend, Path.of(args[2]), Path.of(args[3]), extent(args, 4));
        default -> throw new IllegalArgumentException("unknown work " + args[1]);
      }
      if (backend instanceof CudaBackend cuda) {
        System.out.println(cuda.ledger());
      }
    }
  }

  private static int extent(String[] args, int at) {
    return args.length > at ? Integer.parseInt(args[at]) : EXTENT;
  }

  /**
   * Per sampler: PNG, and the final latent and the pixels as raw floats; and the same twice over.
   */
  private static void pictures(Backend backend, Path checkpoint, Path folder, int extent)
      throws IOException {
    Files.createDirectories(folder);
    try (SafetensorsFile file = SafetensorsFile.open(checkpoint);
        CheckpointModels models = CheckpointModels.open(file, backend)) {
      Conditioning positive =
          models
              .textEncoder()
              .encode("beautiful landscape, high quality", TextEncoder.DEFAULT_LAYER);
      Conditioning negative =
          models.textEncoder().encode("bad quality, blurry", TextEncoder.DEFAULT_LAYER);
      raw(folder.resolve("positive.f32"), positive.entries().getFirst().tokens());
      for (String sampler : List.of("euler", "dpmpp_2m", "dpmpp_2m_sde")) {
        LatentBatch latent = sample(backend, models, positive, negative, sampler, extent, 1);
        ImageBatch image = models.vae().decode(latent, CancelToken.NEVER);
        raw(folder.resolve(sampler + ".latent.f32"), latent.values());
        raw(folder.resolve(sampler + ".image.f32"), image.values());
        PngWriter.write(
            folder.resolve(sampler + ".png"),
            Pixels.of(image.values(), 0, image.height(), image.width(), 3),
            Map.of(),
            4);
        LatentBatch again = sample(backend, models, positive, negative, sampler, extent, 1);
        System.out.printf(
            "%s: the same prompt again %s%n",
            sampler,
            java.util.Arrays.equals(latent.values(), again.values()) ? "is identical" : "DIFFERS");
        LatentBatch four = sample(backend, models, positive, negative, sampler, extent, 4);
        double largest = 0;
        for (int i = 0; i < latent.values().length; i++) {
          largest = Math.max(largest, Math.abs(latent.values()[i] - four.values()[i]));
        }
        System.out.printf(
            "%s: in a batch of 4 the first latent differs by at most %.3g%n", sampler, largest);
      }
    }
  }

  /** One prompt of one step, launched kernel by kernel, for a profiler to look at. */
  private static void trace(Backend backend, Path checkpoint, int extent) {
    try (SafetensorsFile file = SafetensorsFile.open(checkpoint);
        CheckpointModels models = CheckpointModels.open(file, backend)) {
      Conditioning prompt =
          models
              .textEncoder()
              .encode("beautiful landscape, high quality", TextEncoder.DEFAULT_LAYER);
      LatentBatch latent = sample(backend, models, prompt, prompt, "euler", extent, 1, 1);
      models.vae().decode(latent, CancelToken.NEVER);
    }
  }

  private static LatentBatch sample(
      Backend backend,
      CheckpointModels models,
      Conditioning positive,
      Conditioning negative,
      String sampler,
      int extent,
      int batch) {
    return sample(backend, models, positive, negative, sampler, extent, batch, STEPS);
  }

  private static LatentBatch sample(
      Backend backend,
      CheckpointModels models,
      Conditioning positive,
      Conditioning negative,
      String sampler,
      int extent,
      int batch,
      int steps) {
    return KSampler.sample(
        backend,
        models.diffusion(),
        new SamplingRequest(
            SEED,
            steps,
            CFG,
            sampler,
            "normal",
            positive,
            negative,
            LatentBatch.zeros(batch, 4, extent / 8, extent / 8),
            1,
            true,
            null,
            null,
            false),
        SamplingListener.NONE,
        CancelToken.NEVER);
  }

  private static void raw(Path file, float[] values) throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(values.length * Float.BYTES).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    Files.write(file, bytes.array());
  }
}
