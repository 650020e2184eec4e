package quartet.engine.sampling;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Map;
import org.junit.jupiter.api.Test;
import quartet.engine.model.NoiseSchedule;
import quartet.errors.EngineException;
import quartet.testkit.Goldens;

final class SchedulersTest {
  private final JsonNode golden = Goldens.json("schedulers").get("schedules");
  private final NoiseSchedule schedule = NoiseSchedule.scaledLinear();

  @Test
  void everyScheduleIsWithinAUnitInTheLastPlace() {
    assertThat(Schedulers.names()).containsExactlyInAnyOrderElementsOf(() -> golden.fieldNames());
    int compared = 0;
    for (String name : Schedulers.names()) {
      for (Map.Entry<String, JsonNode> entry : golden.get(name).properties()) {
        float[] expected = Goldens.floats(entry.getValue().get("sigmas"));
        if (Float.isNaN(expected[0])) {
          continue; // kl_optimal with one step is 0/0 in the original
        }
        float[] actual = compute(name, entry.getKey());
        assertThat(actual).as("%s %s", name, entry.getKey()).hasSameSizeAs(expected);
        for (int i = 0; i < expected.length; i++) {
          int ulps = Math.abs(Float.floatToIntBits(actual[i]) - Float.floatToIntBits(expected[i]));
          assertThat(ulps).as("%s %s sigma %d", name, entry.getKey(), i).isLessThanOrEqualTo(1);
        }
        compared++;
      }
    }
    assertThat(compared).isEqualTo(9 * 6 - 1);
  }

  private float[] compute(String name, String key) {
    Scheduler scheduler = Schedulers.named(name);
    return switch (key) {
      case "20_denoise0.6" -> RunSigmas.of(schedule, scheduler, 20, 0.6, false);
      case "20_discard_penultimate" -> RunSigmas.of(schedule, scheduler, 20, 1, true);
      default -> RunSigmas.of(schedule, scheduler, Integer.parseInt(key), 1, false);
    };
  }

  @Test
  void oneKlOptimalStepStartsAtTheTop() {
    float[] sigmas = Schedulers.sigmas("kl_optimal", schedule, 1);
    assertThat(sigmas[0]).isCloseTo(14.6146f, within(1e-3f));
    assertThat(sigmas[1]).isZero();
  }

  @Test
  void aStartAndAnEndCutTheRun() {
    float[] sigmas = {4, 3, 2, 1, 0};
    assertThat(RunSigmas.slice(sigmas, 0, 10000, false)).containsExactly(sigmas);
    assertThat(RunSigmas.slice(sigmas, null, 2, true)).containsExactly(4, 3, 2);
    assertThat(RunSigmas.slice(sigmas, null, 2, false)).containsExactly(4, 3, 0);
    assertThat(RunSigmas.slice(sigmas, 1, 3, true)).containsExactly(3, 2, 1);
    assertThat(RunSigmas.slice(sigmas, 4, null, true)).isEmpty();
    assertThat(RunSigmas.slice(sigmas, 2, 2, true)).isEmpty();
  }

  @Test
  void denoiseZeroDoesNothing() {
    assertThat(RunSigmas.of(schedule, Schedulers.named("normal"), 20, 0, false)).isEmpty();
  }

  @Test
  void unknownNamesAreListed() {
    assertThatExceptionOfType(EngineException.class)
        .isThrownBy(() -> Schedulers.sigmas("karrass", schedule, 4))
        .withMessageContaining("karrass")
        .withMessageContaining("karras, exponential");
  }
}
