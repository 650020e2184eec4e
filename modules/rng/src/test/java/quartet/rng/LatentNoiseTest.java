package quartet.rng;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.Arrays;
import java.util.List;
import org.junit.jupiter.api.Test;
import quartet.testkit.Goldens;

final class LatentNoiseTest {
  private static final int ITEM = 4 * 64 * 64;
  private final JsonNode batch = Goldens.json("randn").get("batch");

  @Test
  void aBatchPlaceHasTheSameNoiseAlone() {
    float[] third = LatentNoise.draw(42, 1, ITEM, List.of(2));
    assertThat(Bits.sha256(third)).isEqualTo(batch.get("seed42_item2_sha256").asText());
    float[] flat = LatentNoise.draw(42, 3, ITEM, null);
    assertThat(Arrays.copyOfRange(flat, 2 * ITEM, 3 * ITEM)).containsExactly(third);
  }

  @Test
  void indicesMayRepeatAndComeInAnyOrder() {
    int item = 4 * 9 * 9;
    float[] noise = LatentNoise.draw(7, 3, item, List.of(1, 0, 1));
    TorchGenerator generator = new TorchGenerator(7);
    float[] first = generator.randn(item);
    float[] second = generator.randn(item);
    assertThat(Arrays.copyOfRange(noise, 0, item)).containsExactly(second);
    assertThat(Arrays.copyOfRange(noise, item, 2 * item)).containsExactly(first);
    assertThat(Arrays.copyOfRange(noise, 2 * item, 3 * item)).containsExactly(second);
    // 324 is no multiple of 16, so one draw of everything is not the same
    assertThat(Arrays.copyOfRange(LatentNoise.draw(7, 2, item, null), item, 2 * item))
        .isNotEqualTo(second);
  }
}
