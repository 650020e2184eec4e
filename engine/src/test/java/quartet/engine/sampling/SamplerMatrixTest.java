package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.run.CancelToken;
import quartet.rng.NormalSource;
import quartet.rng.TorchGenerator;
import quartet.safetensors.SafetensorsFile;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.Goldens;
import quartet.testkit.TensorAssertions;

/** Every sampler under every scheduler, 8 and 20 steps, against an independent script. */
final class SamplerMatrixTest {
  private static final double BOUND = 1e-3;
  private static final long SEED = 42;
  private static final Shape SHAPE = Shape.of(1, 4, 4, 4);
  private static final SafetensorsFile GOLDEN = Goldens.tensors("sampler_matrix");

  @AfterAll
  static void close() {
    GOLDEN.close();
  }

  /** All but those that draw their noise as a GPU does: same formulas, other noise. */
  static List<String> samplers() {
    return Samplers.names().stream().filter(name -> !name.endsWith("_gpu")).toList();
  }

  @Test
  void theGoldensHaveEverySamplerOfTheMenu() {
    for (String sampler : samplers()) {
      for (String scheduler : Schedulers.names()) {
        assertThat(GOLDEN.has(key(sampler, scheduler, 8))).as(sampler).isTrue();
        assertThat(GOLDEN.has(key(sampler, scheduler, 20))).as(sampler).isTrue();
      }
    }
  }

  private static String key(String sampler, String scheduler, int steps) {
    return sampler + "/" + scheduler + "/" + steps;
  }

  @ParameterizedTest
  @MethodSource("samplers")
  void theFinalLatentIsTheExpectedOne(String sampler) {
    Map<String, Double> distances = new TreeMap<>();
    for (String scheduler : Schedulers.names()) {
      for (int steps : new int[] {8, 20}) {
        String key = key(sampler, scheduler, steps);
        float[] expected = GOLDEN.tensor(key).toFloats();
        double distance = TensorAssertions.relativeRms(run(sampler, scheduler, steps), expected);
        distances.put(key, distance);
      }
    }
    List<String> beyond = new ArrayList<>();
    distances.forEach(
        (key, distance) -> {
          if (!(distance <= BOUND)) {
            beyond.add(key + ": " + distance);
          }
        });
    assertThat(beyond).isEmpty();
  }

  private static float[] run(String name, String scheduler, int steps) {
    Samplers.Named sampler = Samplers.named(name);
    NoiseSchedule schedule = NoiseSchedule.scaledLinear();
    float[] sigmas =
        RunSigmas.of(
            schedule,
            Schedulers.named(scheduler),
            steps,
            1,
            sampler.has(Samplers.Trait.DROPS_PENULTIMATE));
    float[] noise = new TorchGenerator(SEED).randn(Math.toIntExact(SHAPE.elements()));
    try (Backend backend = new ReferenceBackend(Device.cpu(0));
        TensorScope scope = backend.openScope("test")) {
      Ops ops = scope.ops();
      float share = KSampler.noiseShare(schedule, sigmas[0]);
      Tensor start =
          ops.affine(ops.toChannelsLast(ops.upload(HostTensor.of(SHAPE, noise))), share, 0f);
      try (SamplerRun run =
          new SamplerRun(
              scope,
              new ToyDenoiser(),
              schedule,
              SEED,
              sigmas,
              NormalSource.CPU,
              (step, total, denoised) -> {},
              CancelToken.NEVER)) {
        Tensor end = sampler.sampler().sample(run, start, sigmas);
        return ops.download(ops.toChannelsFirst(end));
      }
    }
  }
}
