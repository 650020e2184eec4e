package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.DynamicTest;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestFactory;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.run.CancelToken;
import quartet.engine.run.PromptInterruptedException;
import quartet.errors.EngineException;
import quartet.rng.NormalSource;
import quartet.rng.TorchGenerator;
import quartet.tensor.Backend;
import quartet.tensor.Device;
import quartet.tensor.HostTensor;
import quartet.tensor.Ops;
import quartet.tensor.Shape;
import quartet.tensor.Tensor;
import quartet.tensor.TensorScope;
import quartet.tensor.cpu.reference.ReferenceBackend;
import quartet.testkit.Goldens;

final class SamplersTest {
  private static final long SEED = 42;
  private static final Shape SHAPE = Shape.of(1, 4, 4, 4);

  /** The goldens' own bound; values reach 10. */
  private static final float TOLERANCE = 5e-5f;

  @TestFactory
  List<DynamicTest> everySamplerEndsWhereTheGoldenEnds() {
    JsonNode golden = Goldens.json("samplers");
    List<DynamicTest> tests = new ArrayList<>();
    for (String steps : List.of("steps8", "steps3")) {
      for (String name : Samplers.names()) {
        if (name.endsWith("_gpu")) {
          continue; // the same formulas under another noise, which quartet.rng tests
        }
        tests.add(
            DynamicTest.dynamicTest(
                name + " " + steps, () -> check(name, golden.get(steps).get(name))));
      }
    }
    return tests;
  }

  private static void check(String name, JsonNode expected) {
    float[] sigmas = Goldens.floats(expected.get("sigmas"));
    ToyDenoiser toy = new ToyDenoiser();
    List<Integer> reported = new ArrayList<>();
    float[] actual =
        run(name, sigmas, toy, (step, total, denoised) -> reported.add(step), CancelToken.NEVER);
    float[] values = Goldens.floats(expected.get("values"));
    float worst = 0;
    for (int i = 0; i < values.length; i++) {
      worst = Math.max(worst, Math.abs(actual[i] - values[i]));
    }
    // The adaptive step size reacts to the rounding of the difference between two orders, which is
    // nearly zero at first; its own tolerance is a hundred times wider than this.
    float bound = name.equals("dpm_adaptive") ? 1e-3f : TOLERANCE;
    assertThat(worst).as("max abs distance of %s", name).isLessThanOrEqualTo(bound);
    assertThat(toy.calls()).as("model calls").isEqualTo(expected.get("model_calls").intValue());
    assertThat(reported).isNotEmpty().isSorted();
  }

  private static float[] run(
      String name,
      float[] sigmas,
      Denoiser denoiser,
      SamplerRun.StepListener listener,
      CancelToken cancel) {
    float[] noise = new TorchGenerator(SEED).randn(64);
    try (Backend backend = new ReferenceBackend(Device.cpu(0))) {
      float[] result;
      try (TensorScope scope = backend.openScope("test")) {
        Ops ops = scope.ops();
        float scale = F32.sqrt(1f + sigmas[0] * sigmas[0]);
        Tensor start =
            ops.affine(ops.toChannelsLast(ops.upload(HostTensor.of(SHAPE, noise))), scale, 0f);
        try (SamplerRun run =
            new SamplerRun(
                scope,
                denoiser,
                NoiseSchedule.scaledLinear(),
                SEED,
                sigmas,
                NormalSource.CPU,
                listener,
                cancel)) {
          Tensor end = Samplers.named(name).sampler().sample(run, start, sigmas);
          result = ops.download(ops.toChannelsFirst(end));
        }
      }
      assertThat(backend.memory().scopeBytes()).isZero();
      return result;
    }
  }

  @Test
  void aCancelledRunStopsBeforeTheNextModelCall() {
    ToyDenoiser toy = new ToyDenoiser();
    assertThatExceptionOfType(PromptInterruptedException.class)
        .isThrownBy(
            () ->
                run(
                    "euler",
                    new float[] {3, 2, 1, 0},
                    toy,
                    (step, total, denoised) -> {},
                    () -> toy.calls() == 2));
    assertThat(toy.calls()).isEqualTo(2);
  }

  @Test
  void longRunsKeepAFewStepsAlive() {
    float[] sigmas = new float[101];
    for (int i = 0; i < 100; i++) {
      sigmas[i] = 100 - i;
    }
    try (Backend backend = new ReferenceBackend(Device.cpu(0));
        TensorScope scope = backend.openScope("test")) {
      Tensor start = scope.ops().upload(HostTensor.of(Shape.of(1, 4, 4, 4), new float[64]));
      List<Long> bytes = new ArrayList<>();
      try (SamplerRun run =
          new SamplerRun(
              scope,
              new ToyDenoiser(),
              NoiseSchedule.scaledLinear(),
              SEED,
              sigmas,
              NormalSource.CPU,
              (step, total, denoised) -> bytes.add(backend.memory().scopeBytes()),
              CancelToken.NEVER)) {
        var _ = Samplers.named("dpmpp_2m").sampler().sample(run, start, sigmas);
      }
      assertThat(bytes.get(90)).isEqualTo(bytes.get(20));
    }
  }

  @Test
  void unknownNamesAreListed() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> Samplers.named("eular"))
        .withMessageContaining("eular")
        .withMessageContaining("euler_ancestral");
  }
}
