package quartet.engine.nodes;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.engine.fake.FakeContext;
import quartet.engine.model.NoiseSchedule;
import quartet.engine.sampling.Schedulers;
import quartet.engine.sampling.SigmaCurves;
import quartet.engine.value.SamplingParts;

/** Nodes that make and cut noise levels. */
class SigmaNodesTest {
  @TempDir Path base;

  private List<float[]> run(String node, Map<String, Object> inputs) {
    return Runs.run(node, inputs, FakeContext.below(base)).outputs().stream()
        .map(value -> ((SamplingParts.Sigmas) value).values())
        .toList();
  }

  private static SamplingParts.Sigmas sigmas(float... values) {
    return new SamplingParts.Sigmas(values);
  }

  @Test
  void karrasAndExponentialAreTheSchedulersOfThoseNames() {
    NoiseSchedule schedule = NoiseSchedule.scaledLinear();
    double max = schedule.sigmaMax();
    double min = schedule.sigmaMin();
    float[] karras =
        run("KarrasScheduler", Map.of("steps", 10L, "sigma_max", max, "sigma_min", min, "rho", 7.0))
            .getFirst();
    assertClose(karras, Schedulers.sigmas("karras", schedule, 10));
    float[] exponential =
        run("ExponentialScheduler", Map.of("steps", 10L, "sigma_max", max, "sigma_min", min))
            .getFirst();
    assertClose(exponential, Schedulers.sigmas("exponential", schedule, 10));
    float[] poly =
        run(
                "PolyexponentialScheduler",
                Map.of("steps", 10L, "sigma_max", max, "sigma_min", min, "rho", 1.0))
            .getFirst();
    assertThat(poly).containsExactly(exponential);
  }

  private static void assertClose(float[] actual, float[] expected) {
    assertThat(actual).hasSameSizeAs(expected);
    for (int i = 0; i < actual.length; i++) {
      assertThat(actual[i]).isCloseTo(expected[i], within(1e-5f * Math.max(1f, expected[i])));
    }
  }

  @Test
  void turboStepsAreEveryHundredthTimestep() {
    NoiseSchedule schedule = NoiseSchedule.scaledLinear();
    float[] whole = SigmaCurves.turbo(schedule, 2, 1.0);
    assertThat(whole).containsExactly(schedule.sigma(999), schedule.sigma(899), 0f);
    float[] half = SigmaCurves.turbo(schedule, 10, 0.5);
    assertThat(half).hasSize(6);
    assertThat(half[0]).isEqualTo(schedule.sigma(499));
  }

  @Test
  void variancePreservingLevelsFall() {
    float[] values =
        run("VPScheduler", Map.of("steps", 5L, "beta_d", 19.9, "beta_min", 0.1, "eps_s", 0.001))
            .getFirst();
    assertThat(values).hasSize(6).endsWith(0f);
    assertThat(values[0]).isCloseTo((float) Math.sqrt(Math.exp(19.9 / 2 + 0.1) - 1), within(1e-2f));
    for (int i = 1; i < values.length; i++) {
      assertThat(values[i]).isLessThan(values[i - 1]);
    }
  }

  @Test
  void cutsShareTheLevelBetween() {
    List<float[]> parts = run("SplitSigmas", Map.of("sigmas", sigmas(4, 3, 2, 1, 0), "step", 2L));
    assertThat(parts.get(0)).containsExactly(4, 3, 2);
    assertThat(parts.get(1)).containsExactly(2, 1, 0);
    List<float[]> share =
        run("SplitSigmasDenoise", Map.of("sigmas", sigmas(4, 3, 2, 1, 0), "denoise", 0.25));
    assertThat(share.get(1)).containsExactly(1, 0);
    assertThat(run("SplitSigmas", Map.of("sigmas", sigmas(1, 0), "step", 99L)).get(1)).isEmpty();
  }

  @Test
  void listsAreTurnedRoundAndBegunElsewhere() {
    assertThat(run("FlipSigmas", Map.of("sigmas", sigmas(2, 1, 0))).getFirst())
        .containsExactly(0.0001f, 1, 2);
    assertThat(run("SetFirstSigma", Map.of("sigmas", sigmas(2, 1, 0), "sigma", 9.0)).getFirst())
        .containsExactly(9, 1, 0);
  }
}
