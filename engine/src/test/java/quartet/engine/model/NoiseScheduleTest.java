package quartet.engine.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.security.MessageDigest;
import java.util.HexFormat;
import java.util.Map;
import java.util.function.IntToDoubleFunction;
import org.junit.jupiter.api.Test;
import quartet.testkit.Goldens;

final class NoiseScheduleTest {
  private final JsonNode golden = Goldens.json("schedulers");
  private final DiscreteSchedule schedule = NoiseSchedule.scaledLinear();

  @Test
  void theTablesAreBitEqual() throws Exception {
    JsonNode table = golden.get("table");
    assertThat(sha256(schedule::tableSigma)).isEqualTo(table.get("sigmas_sha256").asText());
    assertThat(sha256(schedule::tableLogSigma)).isEqualTo(table.get("log_sigmas_sha256").asText());
  }

  @Test
  void zeroTerminalSnrEndsWhereItShould() {
    JsonNode table = golden.get("zsnr_table");
    NoiseSchedule rescaled = NoiseSchedule.zeroTerminalSnr();
    assertThat(rescaled.sigmaMin()).isEqualTo((float) table.get("sigma_min").asDouble());
    assertThat(rescaled.sigmaMax()).isEqualTo((float) table.get("sigma_max").asDouble());
    assertThat(rescaled.tableSigma(998)).isEqualTo((float) table.get("idx_998").asDouble());
    assertThat(rescaled.tableSigma(500)).isEqualTo((float) table.get("idx_500").asDouble());
  }

  @Test
  void percentTimestepAndSigmaMapAsExpected() {
    JsonNode table = golden.get("table");
    for (Map.Entry<String, JsonNode> entry : table.get("percent_to_sigma").properties()) {
      float expected = (float) entry.getValue().asDouble();
      assertThat((float) schedule.percentToSigma(Double.parseDouble(entry.getKey())))
          .isCloseTo(expected, within(Math.ulp(expected)));
    }
    for (Map.Entry<String, JsonNode> entry : table.get("timestep_of_sigma").properties()) {
      assertThat(schedule.timestep(Float.parseFloat(entry.getKey())))
          .isEqualTo(entry.getValue().intValue());
    }
    for (Map.Entry<String, JsonNode> entry : table.get("sigma_of_timestep").properties()) {
      float expected = (float) entry.getValue().asDouble();
      assertThat(schedule.sigma(Float.parseFloat(entry.getKey())))
          .isCloseTo(expected, within(Math.ulp(expected)));
    }
  }

  private static String sha256(IntToDoubleFunction table) throws Exception {
    ByteBuffer bytes = ByteBuffer.allocate(NoiseSchedule.STEPS * 4).order(ByteOrder.LITTLE_ENDIAN);
    for (int k = 0; k < NoiseSchedule.STEPS; k++) {
      bytes.putFloat((float) table.applyAsDouble(k));
    }
    return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(bytes.array()));
  }
}
