package quartet.rng;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import org.junit.jupiter.api.Test;
import quartet.testkit.Goldens;

final class PhiloxGeneratorTest {
  private final JsonNode golden = Goldens.json("randn").get("cuda_philox");

  @Test
  void drawsAreTheModelledGpus() {
    assertClose(new PhiloxGenerator(0).randn(12), "seed0_call0_12");
    PhiloxGenerator generator = new PhiloxGenerator(42);
    assertClose(generator.randn(16384), "seed42_call0_16384_first8");
    assertClose(generator.randn(16384), "seed42_call1_16384_first8");
    assertClose(
        new PhiloxGenerator(Long.parseUnsignedLong("9223372036854775813")).randn(16),
        "seed9223372036854775813_call0_first8");
  }

  private void assertClose(float[] actual, String name) {
    float[] expected = Goldens.floats(golden.get(name));
    for (int i = 0; i < expected.length; i++) {
      assertThat(actual[i]).as("%s [%d]", name, i).isCloseTo(expected[i], within(2e-6f));
    }
  }
}
