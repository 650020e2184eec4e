package quartet.rng;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import org.junit.jupiter.api.Test;
import quartet.testkit.Goldens;

final class TorchGeneratorTest {
  private final JsonNode golden = Goldens.json("randn");

  @Test
  void rawWordsAreTheTwisters() {
    for (JsonNode entry : golden.get("entries")) {
      Mt19937 engine = new Mt19937(Long.parseUnsignedLong(entry.get("seed").asText()));
      for (JsonNode word : entry.get("mt19937_first8_u32")) {
        assertThat(Integer.toUnsignedLong(engine.nextInt())).isEqualTo(word.longValue());
      }
    }
  }

  @Test
  void everyBitIsPyTorchs() {
    int compared = 0;
    for (JsonNode entry : golden.get("entries")) {
      long seed = Long.parseUnsignedLong(entry.get("seed").asText());
      float[] values = new TorchGenerator(seed).randn(entry.get("size").intValue());
      assertThat(Arrays.copyOf(values, Math.min(8, values.length)))
          .as("%s of seed %s", entry.get("size"), entry.get("seed"))
          .containsExactly(Goldens.floats(entry.get("first8")));
      assertThat(Bits.sha256(values)).isEqualTo(entry.get("sha256").asText());
      compared++;
    }
    assertThat(compared).isEqualTo(20);
  }

  @Test
  void smallAndLargeDrawsShareOneStream() {
    TorchGenerator generator = new TorchGenerator(42);
    for (JsonNode draw : golden.get("sequence_seed42_sizes_5_5_16_3")) {
      assertThat(generator.randn(draw.size())).containsExactly(Goldens.floats(draw));
    }
  }

  @Test
  void theNoiseOfAncestralSamplersIsTheNextSeeds() {
    assertThat(Arrays.copyOf(new TorchGenerator(43).randn(16384), 8))
        .containsExactly(Goldens.floats(golden.get("ancestral_cpu_seed42_first_noise_first8")));
  }

  @Test
  void onlyTheLowHalfOfTheSeedCounts() {
    assertThat(new TorchGenerator(7 + (5L << 32)).randn(40))
        .containsExactly(new TorchGenerator(7).randn(40));
  }
}
