package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/**
 * {@code quartet bench compare} against a second server of ours, and against a pretended ComfyUI.
 */
final class CompareTest {
  private static final Path WORKFLOW =
      ServerProcess.repository().resolve("docs/examples/landscape.json");
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  private static Cli.Result compare(ServerProcess server, String other, Path out) {
    return Cli.run(
        "bench",
        "compare",
        WORKFLOW.toString(),
        "--server",
        server.url(""),
        "--against",
        other,
        "--prompts",
        "6",
        "--output",
        out.toString());
  }

  private static JsonNode written(Path out) throws IOException {
    return Json.parse(Files.readAllBytes(out.resolve("compare.json")));
  }

  @Test
  void aSecondServerOfOursIsSlowerAndItsPicturesAreTheSame(
      @TempDir Path fast, @TempDir Path slow, @TempDir Path out) throws IOException {
    try (ServerProcess server =
            ServerProcess.start(
                fast, Map.of(), "--devices", "sim:2", "--sim", "step=2ms,image=0ms");
        ServerProcess other =
            ServerProcess.start(
                slow, Map.of(), "--devices", "sim:1", "--sim", "step=100ms,image=0ms")) {
      Cli.Result result = compare(server, other.url(""), out);
      assertThat(result.exit()).as(result.out() + result.err()).isZero();
      JsonNode json = written(out);
      assertThat(json.at("/pictures/pairs").asInt()).isEqualTo(6);
      assertThat(json.at("/pictures/equal").asInt()).isEqualTo(6);
      assertThat(json.at("/this/devices")).hasSize(2);
      assertThat(json.at("/other/failed").asInt()).isZero();
      assertThat(json.at("/other/latency_ms/p99").asDouble())
          .isGreaterThan(json.at("/other/latency_ms/p50").asDouble());
      // 12 s of pretended work against 0.12 s: no machine is slow enough to hide that.
      assertThat(json.path("speed_up").asDouble()).isGreaterThan(1.5);
      assertThat(Files.readString(out.resolve("compare.md")))
          .isEqualTo(result.out())
          .contains("6 pairs, 6 equal in every pixel.")
          .contains("| pictures | 6 | 6 |");
    }
  }

  @Test
  void aComfyUiFailsSomeAndItsPicturesDifferALittle(@TempDir Path base, @TempDir Path out)
      throws IOException {
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "sim:1");
        Client client = new Client(server)) {
      String name =
          client
              .ended(client.accepted(Client.quick(1)), PATIENCE)
              .at("/outputs/9/images/0/filename")
              .asText();
      byte[] brighter = FakeComfy.brighter(client.get("/view?filename=" + name).bytes());
      try (FakeComfy comfy = new FakeComfy(brighter, 3)) {
        Cli.Result result = compare(server, comfy.url(), out);
        assertThat(result.exit()).as("failures of the other one are its own").isZero();
        JsonNode json = written(out);
        assertThat(json.at("/other/version").asText()).isEqualTo("ComfyUI 0.3.75");
        // The first of seven is the warm-up; the third and the sixth fail.
        assertThat(json.at("/other/failed").asInt()).isEqualTo(2);
        assertThat(json.at("/other/failures/0").asText()).contains("out of luck");
        assertThat(json.at("/pictures/pairs").asInt()).isEqualTo(4);
        assertThat(json.at("/pictures/equal").asInt()).isZero();
        // One colour of three is off by one: 10 log10(255² * 3).
        assertThat(json.at("/pictures/psnr_db/0").asDouble()).isBetween(52.0, 54.0);
        assertThat(result.out()).contains("Failed at " + comfy.url());
      }
    }
  }

  @Test
  void anAddressWithoutAServerIsSaidSo(@TempDir Path out) {
    Cli.Result result =
        Cli.run(
            "bench",
            "compare",
            WORKFLOW.toString(),
            "--server",
            "http://127.0.0.1:1",
            "--against",
            "http://127.0.0.1:1",
            "--output",
            out.toString());
    assertThat(result.exit()).isEqualTo(1);
    assertThat(result.err()).contains("No server answers at http://127.0.0.1:1");
  }
}
