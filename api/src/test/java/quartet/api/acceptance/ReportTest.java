package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/** {@code quartet report} and {@code quartet bench soak} against a real server. */
final class ReportTest {
  private static final Path WORKFLOW =
      ServerProcess.repository().resolve("docs/examples/landscape.json");

  @Test
  void aGoodServerPassesAndAMissingDeviceIsASeriousProblem(@TempDir Path base, @TempDir Path out)
      throws IOException {
    try (ServerProcess server =
        ServerProcess.start(base, Map.of(), "--devices", "sim:2", "--sim", "step=8ms")) {
      Cli.Result good = report(server, out, 2);
      JsonNode json = Json.parse(Files.readAllBytes(out.resolve("report.json")));
      Map<String, String> verdicts = new HashMap<>();
      json.path("rows")
          .forEach(row -> verdicts.put(row.path("name").asText(), row.path("verdict").asText()));
      assertThat(verdicts)
          .as(good.out() + good.err())
          .containsEntry("start-up", "pass")
          .containsEntry("recognition", "pass")
          .containsEntry("routing", "pass")
          .containsEntry("isolation", "pass")
          .containsEntry("success rate", "pass")
          .containsEntry("second load", "not measured")
          .containsEntry("RAM growth", "not measured")
          .containsKey("throughput");
      assertThat(good.out()).contains("| routing | pass | GPU 0 ran 1 of 1, GPU 1 ran 2 of 2 |");
      assertThat(json.path("conclusion").asText()).isNotEqualTo("fit for production");
      assertThat(Files.readString(out.resolve("report.html")))
          .contains("<svg")
          .contains("2 devices")
          .doesNotContain("http://");

      Cli.Result bad = report(server, out, 3);
      assertThat(bad.exit()).isEqualTo(1);
      assertThat(bad.out())
          .contains("| recognition | FAIL | 3 devices wanted, 2 there, 2 of them up |")
          .contains("Conclusion: **serious problems");

      Cli.Result soak = soak(server, WORKFLOW);
      assertThat(soak.exit()).as(soak.err()).isZero();
      assertThat(soak.out())
          .containsPattern("[1-9]\\d* prompts in 0\\.\\d min .*, 0 failed")
          .containsPattern("threads: [1-9]\\d* -> [1-9]\\d*, slope");

      Path refused = out.resolve("refused.json");
      Files.writeString(
          refused,
          Files.readString(WORKFLOW).replace("quartet-demo.safetensors", "gone.safetensors"));
      Cli.Result hopeless = soak(server, refused);
      assertThat(hopeless.exit()).isNotZero();
      assertThat(hopeless.err()).contains("gone.safetensors");
      assertThat(hopeless.out()).as("it ends at once").doesNotContain("prompts in");
    }
  }

  private static Cli.Result soak(ServerProcess server, Path workflow) {
    return Cli.run(
        "bench",
        "soak",
        workflow.toString(),
        "--server",
        server.url(""),
        "--minutes",
        "0.2",
        "--at-once",
        "4");
  }

  private static Cli.Result report(ServerProcess server, Path out, int gpus) {
    return Cli.run(
        "report",
        WORKFLOW.toString(),
        "--server",
        server.url(""),
        "--gpus",
        Integer.toString(gpus),
        "--per-gpu",
        "3",
        "--output",
        out.toString());
  }
}
