package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;
import quartet.engine.model.FlowSchedule;
import quartet.engine.model.NoiseProcess;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.run.CancelToken;
import quartet.errors.EngineException;
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

/** Samplers on rectified flows against an independent script, and against what flows are. */
final class FlowSamplersTest {
  private static final double BOUND = 1e-3;
  private static final long SEED = 42;
  private static final SafetensorsFile GOLDEN = Goldens.tensors("flow");

  @AfterAll
  static void close() {
    GOLDEN.close();
  }

  private static NoiseSchedule schedule(String model) {
    return switch (model) {
      case "sd3" -> FlowSchedule.shifted(3, 1000);
      case "aura" -> FlowSchedule.shifted(1.73, 1);
      default -> FlowSchedule.flux(FlowSchedule.fluxShift(1.15, 0.5, 1024, 768));
    };
  }

  /** Samplers of which the script has runs. */
  static List<String> goldenSamplers() {
    return GOLDEN.names().stream()
        .filter(name -> name.startsWith("sigmas/"))
        .map(name -> name.split("/", -1)[1])
        .distinct()
        .toList();
  }

  @Test
  void theScriptHasEverySamplerThatIsNotAlikeForBothProcesses() {
    assertThat(goldenSamplers())
        .hasSize(28)
        .isSubsetOf(Samplers.names())
        .contains("euler", "euler_ancestral", "dpm_2_ancestral", "dpmpp_2s_ancestral", "lcm");
  }

  @ParameterizedTest
  @MethodSource("goldenSamplers")
  void theFinalLatentIsTheExpectedOne(String sampler) {
    Map<String, Double> distances = new TreeMap<>();
    for (String name : GOLDEN.names()) {
      if (!name.startsWith(sampler + "/")) {
        continue;
      }
      String[] parts = name.split("/", -1);
      NoiseSchedule schedule = schedule(parts[1]);
      float[] sigmas =
          RunSigmas.of(
              schedule,
              Schedulers.named(parts[2]),
              Integer.parseInt(parts[3]),
              Double.parseDouble(parts[4]),
              Samplers.named(sampler).has(Samplers.Trait.DROPS_PENULTIMATE));
      assertThat(sigmas)
          .as(name)
          .containsExactly(GOLDEN.tensor("sigmas/" + name).toFloats(), within(1e-6f));
      float[] latent = new float[64];
      for (int i = 0; i < latent.length; i++) {
        latent[i] = 0.5f * (float) Math.cos(0.3 * i);
      }
      Shape shape = Shape.of(1, 4, 4, 4);
      float[] end = run(sampler, schedule, sigmas, shape, latent, FlowToyDenoiser.ofGoldens());
      distances.put(name, TensorAssertions.relativeRms(end, GOLDEN.tensor(name).toFloats()));
    }
    assertThat(distances).hasSize(8);
    List<String> beyond = new ArrayList<>();
    distances.forEach(
        (key, distance) -> {
          if (!(distance <= BOUND)) {
            beyond.add(key + ": " + distance);
          }
        });
    assertThat(beyond).isEmpty();
  }

  private static float[] run(
      String name,
      NoiseSchedule schedule,
      float[] sigmas,
      Shape shape,
      float[] latent,
      Denoiser denoiser) {
    Samplers.Named sampler = Samplers.named(name);
    float[] noise = new TorchGenerator(SEED).randn(latent.length);
    NormalSource tree =
        sampler.has(Samplers.Trait.CUDA_NOISE) ? NormalSource.CUDA : NormalSource.CPU;
    try (Backend backend = new ReferenceBackend(Device.cpu(0));
        TensorScope scope = backend.openScope("test")) {
      Ops ops = scope.ops();
      Tensor start =
          ops.toChannelsLast(
              ops.linearCombination(
                  KSampler.noiseShare(schedule, sigmas[0]),
                  ops.upload(HostTensor.of(shape, noise)),
                  NoiseProcess.FLOW.signal(sigmas[0]),
                  ops.upload(HostTensor.of(shape, latent))));
      try (SamplerRun run =
          new SamplerRun(
              scope,
              denoiser,
              schedule,
              SEED,
              sigmas,
              tree,
              (step, total, denoised) -> {},
              CancelToken.NEVER)) {
        Tensor end = sampler.sampler().sample(run, start, sigmas);
        return ops.download(ops.toChannelsFirst(end));
      }
    }
  }

  /** Samplers that take a flow for noise beside a signal of 1, as ComfyUI runs them. */
  static List<String> spoiling() {
    return List.of(
        "ddpm",
        "dpmpp_2s_ancestral_cfg_pp",
        "res_multistep_ancestral",
        "res_multistep_ancestral_cfg_pp");
  }

  /** The others, but for lcm, which forgets the latent between its steps. */
  static List<String> faithful() {
    return Samplers.names().stream()
        .filter(name -> !name.equals("lcm"))
        .filter(name -> !spoiling().contains(name))
        .toList();
  }

  /**
   * With the exact denoiser of a Gaussian, noise must become that Gaussian: a sampler that mixed
   * signal and noise wrongly would end with another deviation. A slip of the process shows as 10 %
   * or more.
   */
  @ParameterizedTest
  @MethodSource("faithful")
  void noiseBecomesTheDataWhateverTheSampler(String sampler) {
    Spread spread = ofGaussian(sampler);
    assertThat(spread.mean()).isCloseTo(0.3, within(0.05));
    assertThat(spread.deviation()).isCloseTo(0.8, within(0.06));
  }

  /** That their pictures are spoilt is the original's doing, and what its users expect. */
  @ParameterizedTest
  @MethodSource("spoiling")
  void samplersThatTakeAFlowForAnotherProcessSpoilIt(String sampler) {
    Spread spread = ofGaussian(sampler);
    assertThat(Math.abs(spread.deviation() - 0.8) + Math.abs(spread.mean() - 0.3))
        .isGreaterThan(0.15);
  }

  private record Spread(double mean, double deviation) {}

  private static Spread ofGaussian(String sampler) {
    NoiseSchedule schedule = FlowSchedule.shifted(3, 1000);
    float[] end =
        run(
            sampler,
            schedule,
            Schedulers.sigmas("simple", schedule, 100),
            Shape.of(1, 4, 32, 32),
            new float[4096],
            FlowToyDenoiser.gaussian());
    double sum = 0;
    double squares = 0;
    for (float value : end) {
      sum += value;
      squares += (double) value * value;
    }
    double mean = sum / end.length;
    return new Spread(mean, Math.sqrt(squares / end.length - mean * mean));
  }

  @Test
  void noiseLevelsThatAreNoneOfAFlowAreNamed() {
    FlowRequests.check(new float[] {1f, 0.5f, 0f});
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> FlowRequests.check(new float[] {14.6f, 1f, 0f}))
        .withMessageContaining("14.6")
        .withMessageContaining("BasicScheduler");
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> FlowRequests.check(new float[] {0.1f, Float.NaN, 0f}))
        .withMessageContaining("NaN");
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> FlowRequests.check(new float[] {0.1f, 1f}))
        .withMessageContaining("end at 1.0");
  }
}
