package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;
import quartet.engine.sampling.Schedulers;
import quartet.errors.EngineException;
import quartet.safetensors.SafetensorsFile;
import quartet.testkit.Goldens;

final class FlowScheduleTest {
  private static final double[] PERCENTS = {0, 0.0001, 0.2, 0.5, 0.8, 1};
  private static final int STRIDE = 37;

  private static FlowSchedule schedule(String model) {
    return switch (model) {
      case "sd3" -> FlowSchedule.shifted(3, 1000);
      case "aura" -> FlowSchedule.shifted(1.73, 1);
      default -> FlowSchedule.flux(FlowSchedule.fluxShift(1.15, 0.5, 1024, 768));
    };
  }

  @ParameterizedTest
  @ValueSource(strings = {"sd3", "aura", "flux"})
  void tablesAndPercentagesFollowTheFormulas(String model) {
    FlowSchedule schedule = schedule(model);
    try (SafetensorsFile golden = Goldens.tensors("flow")) {
      float[] table = golden.tensor("table/" + model).toFloats();
      for (int k = 0; k < table.length; k++) {
        assertThat(schedule.tableSigma(k * STRIDE))
            .isCloseTo(table[k], within(4 * Math.ulp(table[k])));
      }
      float[] percents = golden.tensor("percent/" + model).toFloats();
      for (int k = 0; k < percents.length; k++) {
        assertThat((float) schedule.percentToSigma(PERCENTS[k])).isEqualTo(percents[k]);
      }
    }
    assertThat(schedule.sigmaMax()).isCloseTo(1f, within(1e-6f));
    assertThat(schedule.process()).isEqualTo(NoiseProcess.FLOW);
    assertThat(schedule.size()).isEqualTo(model.equals("flux") ? 10_000 : 1000);
  }

  @Test
  void theNetworkIsToldTheSigmaInTheModelsUnits() {
    assertThat(schedule("sd3").timestep(0.75f)).isEqualTo(750f);
    assertThat(schedule("aura").timestep(0.75f)).isEqualTo(0.75f);
    assertThat(schedule("flux").timestep(0.75f)).isEqualTo(0.75f);
    assertThat(schedule("sd3").sigma(500f)).isEqualTo(0.75f);
    assertThat(FlowSchedule.shifted(1, 1000).sigma(500f)).isEqualTo(0.5f);
  }

  @Test
  void fluxShiftIsLinearInThePicturesSize() {
    assertThat(FlowSchedule.fluxShift(1.15, 0.5, 1024, 1024)).isCloseTo(1.15, within(1e-12));
    assertThat(FlowSchedule.fluxShift(1.15, 0.5, 256, 256)).isCloseTo(0.5, within(1e-12));
    assertThat(FlowSchedule.fluxShift(1.15, 0.5, 1024, 512))
        .isCloseTo(0.5 + 0.65 * (2048 - 256) / 3840, within(1e-12));
  }

  /** Arrays that a transcription of the original's schedulers made. */
  @Test
  void schedulersWalkTheFlowsLevels() {
    JsonNode flow = Goldens.json("schedulers").get("flow");
    assertThat(flow.size()).isPositive();
    int compared = 0;
    for (Map.Entry<String, JsonNode> model : flow.properties()) {
      FlowSchedule schedule =
          switch (model.getKey()) {
            case "sd3_shift3" -> FlowSchedule.shifted(3, 1000);
            case "flux_shift1.15_default" -> FlowSchedule.flux(1.15);
            case "flux_schnell_shift1_mult1" -> FlowSchedule.shifted(1, 1);
            default -> throw new AssertionError(model.getKey());
          };
      for (Map.Entry<String, JsonNode> scheduler : model.getValue().properties()) {
        for (Map.Entry<String, JsonNode> steps : scheduler.getValue().properties()) {
          float[] expected = Goldens.floats(steps.getValue());
          assertThat(
                  Schedulers.sigmas(scheduler.getKey(), schedule, Integer.parseInt(steps.getKey())))
              .as("%s %s %s", model.getKey(), scheduler.getKey(), steps.getKey())
              .containsExactly(expected, within(6.1e-8f));
          compared++;
        }
      }
    }
    assertThat(compared).isEqualTo(21);
  }

  @Test
  void aShiftOfZeroIsRefused() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> FlowSchedule.shifted(0, 1000))
        .withMessageContaining("shift of 0.0")
        .withMessageContaining("above 0");
  }
}
