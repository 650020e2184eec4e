package quartet.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.Locale;
import quartet.engine.model.CheckpointModels;
import quartet.engine.model.unet.PromptContext;
import quartet.engine.run.CancelToken;
import quartet.engine.value.LatentBatch;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Activation;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Parameters;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.CpuBackend;
import quartet.tensor.cpu.CpuHost;
import quartet.tensor.cpu.CpuSettings;

/**
 * A whole UNet evaluation and a whole VAE decode against their roofline: operations (counted by
 * running the model's own code on {@link CountingBackend}) over the rate of a large matrix product
 * measured in the same run.
 *
 * <pre>
 * ./mvnw -q -pl modules/bench -am -Pbench -DskipTests package -Dbench.main=quartet.bench.ModelBench \
 *     -Dbench.args="CHECKPOINT.safetensors LATENT_EXTENT BATCH"
 * </pre>
 *
 * With {@code sd15} or {@code sdxl} for the checkpoint, a full-size one with random weights is made
 * in a temporary folder.
 */
public final class ModelBench {
  private static final int PRODUCT = 1024;
  private static final int ROUNDS = 7;
  private static final int TOKENS = 77;
  private static final long SEED = 20260601;

  private ModelBench() {}

  /** Prints a Markdown table. */
  public static void main(String[] args) throws IOException {
    if (args.length != 3) {
      System.err.println(
          "arguments: CHECKPOINT|sd15|sdxl LATENT_EXTENT BATCH, for example sd15 64 1");
      System.exit(2);
    }
    int extent = Integer.parseInt(args[1]);
    int batch = Integer.parseInt(args[2]);
    Path file =
        switch (args[0]) {
          case "sd15" -> make(SyntheticCheckpoint.Family.SD15);
          case "sdxl" -> make(SyntheticCheckpoint.Family.SDXL);
          default -> Path.of(args[0]);
        };
    try (CpuHost host = new CpuHost(CpuSettings.ofThisMachine());
        Backend backend = new CpuBackend(host, Device.cpu(0));
        CountingBackend counting = new CountingBackend();
        SafetensorsFile weights = SafetensorsFile.open(file);
        CheckpointModels counted = CheckpointModels.open(weights, counting);
        CheckpointModels models = CheckpointModels.open(weights, backend)) {
      System.out.printf("%s, %s%n%n", file.getFileName(), backend.description());
      System.out.println("| work | operations | time | GFLOP/s | ceiling | share |");
      System.out.println("|---|---|---|---|---|---|");
      double before = counting.count().total();
      unet(counted, counting, extent, batch).run();
      double unetFlop = counting.count().total() - before;
      Work unet = unet(models, backend, extent, batch);
      report(
          "UNet, %dx%d latent, batch %d".formatted(extent, extent, batch), unetFlop, unet, backend);
      before = counting.count().total();
      decode(counted, extent).run();
      double decodeFlop = counting.count().total() - before;
      report(
          "VAE decode to %dx%d".formatted(8 * extent, 8 * extent),
          decodeFlop,
          decode(models, extent),
          backend);
    }
  }

  private static Path make(SyntheticCheckpoint.Family family) throws IOException {
    Path file =
        Files.createTempDirectory("quartet-bench").resolve(family.name() + "-random.safetensors");
    System.err.println("writing " + file + " (2.1 GB, or 7 GB for SDXL)");
    SyntheticCheckpoint.write(file, family, SEED);
    file.toFile().deleteOnExit();
    return file;
  }

  /** Something that is timed. */
  @FunctionalInterface
  interface Work {
    void run();
  }

  /** One evaluation, prompts prepared beforehand, as in every step but the first. */
  static Work unet(CheckpointModels models, Backend backend, int extent, int batch) {
    int width = Math.max(1, models.diffusion().contextWidth());
    int label = models.diffusion().labelWidth();
    float[] latent = pattern(batch * extent * extent * 4);
    float[] tokens = pattern(batch * TOKENS * width);
    float[] timesteps = new float[batch];
    Arrays.fill(timesteps, 500f);
    return () -> {
      try (TensorScope scope = backend.openScope("bench")) {
        PromptContext context =
            models
                .diffusion()
                .prepare(
                    scope,
                    HostTensor.of(Shape.of(batch, TOKENS, width), tokens),
                    label == 0
                        ? null
                        : HostTensor.of(Shape.of(batch, label), pattern(batch * label)));
        Tensor x = scope.ops().upload(HostTensor.of(Shape.of(batch, extent, extent, 4), latent));
        scope.ops().download(models.diffusion().predict(scope, x, timesteps, context));
      }
    };
  }

  static Work decode(CheckpointModels models, int extent) {
    LatentBatch latent =
        LatentBatch.zeros(1, 4, extent, extent).withValues(pattern(4 * extent * extent));
    return () -> models.vae().decode(latent, CancelToken.NEVER);
  }

  private static void report(String name, double flop, Work work, Backend backend) {
    double[] seconds = new double[ROUNDS];
    double[] ceilings = new double[ROUNDS];
    work.run();
    for (int round = 0; round < ROUNDS; round++) {
      ceilings[round] = ceiling(backend);
      long start = System.nanoTime();
      work.run();
      seconds[round] = (System.nanoTime() - start) / 1e9;
    }
    Arrays.sort(seconds);
    Arrays.sort(ceilings);
    double rate = flop / seconds[ROUNDS / 2] / 1e9;
    double ceiling = ceilings[ROUNDS / 2];
    System.out.printf(
        Locale.ROOT,
        "| %s | %.4g GFLOP | %.1f ms | %.0f | %.0f | %.2f |%n",
        name,
        flop / 1e9,
        1e3 * seconds[ROUNDS / 2],
        rate,
        ceiling,
        rate / ceiling);
  }

  /** Numbers around zero that are neither constant nor random. */
  private static float[] pattern(int count) {
    float[] values = new float[count];
    for (int i = 0; i < count; i++) {
      values[i] = (i * 31L % 17 - 8) / 8f;
    }
    return values;
  }

  /** GFLOP/s of a large product on the same backend. */
  private static double ceiling(Backend backend) {
    try (Parameters parameters = backend.openParameters("ceiling");
        TensorScope scope = backend.openScope("ceiling")) {
      HostTensor square = HostTensor.of(Shape.of(PRODUCT, PRODUCT), pattern(PRODUCT * PRODUCT));
      Parameters.Linear linear = parameters.linear(square, null);
      Tensor x = scope.ops().upload(square);
      double best = Double.MAX_VALUE;
      for (int i = 0; i < 5; i++) {
        long start = System.nanoTime();
        scope.ops().linear(x, linear, Activation.NONE, null);
        best = Math.min(best, (System.nanoTime() - start) / 1e9);
      }
      return 2.0 * PRODUCT * PRODUCT * PRODUCT / best / 1e9;
    }
  }
}
