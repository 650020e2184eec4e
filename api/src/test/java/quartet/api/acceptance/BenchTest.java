package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The measuring commands, as a person types them. */
final class BenchTest {
  private static final Duration PATIENCE = Duration.ofMinutes(3);

  private static String run(Path folder, String... arguments) throws Exception {
    Path out = Files.createTempFile(folder, "out", ".txt");
    List<String> command = ProductJvm.command(List.of());
    command.add("bench");
    command.addAll(List.of(arguments));
    Process process =
        new ProcessBuilder(command).redirectErrorStream(true).redirectOutput(out.toFile()).start();
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    String text = Files.readString(out, StandardCharsets.UTF_8);
    assertThat(process.exitValue()).as(text).isZero();
    return text;
  }

  @Test
  void loadTimesScalingAndAFullQueue(@TempDir Path base) throws Exception {
    try (ServerProcess server =
        ServerProcess.start(
            base, Map.of(), "--devices", "sim:4", "--sim", "step=100ms", "--queue-size", "200")) {
      String workflow =
          ServerProcess.repository().resolve("docs/examples/landscape.json").toString();
      String text =
          run(
              base,
              "load",
              workflow,
              "--server",
              server.url(""),
              "--set",
              "3.steps=10",
              "--per-gpu",
              "3",
              "--idle",
              "3",
              "--queued",
              "100",
              "--calls",
              "5");
      assertThat(text).contains("4 devices, first one sim:0", "GPU 0 alone: 3 prompts, 3 pictures");
      Matcher speedUp = Pattern.compile("speed-up (\\d+\\.\\d+) of 4").matcher(text);
      assertThat(speedUp.find()).as(text).isTrue();
      assertThat(Double.parseDouble(speedUp.group(1)))
          .as("simulated devices wait side by side, whatever the machine does\n%s", text)
          .isGreaterThan(2.0);
      assertThat(text).contains("with 100 prompts waiting", "GET /queue/all: median ");
      assertThat(new Client(server).get("/queue/all").json().path("total_pending").asInt())
          .as("it cleans up behind itself")
          .isZero();
    }
  }

  @Test
  void simulatePrintsItsAssumptionsAndLongerWaitsForMoreLoad(@TempDir Path folder)
      throws Exception {
    String text = run(folder, "simulate", "--servers", "2", "--offered", "0.3,0.95");
    assertThat(text).contains("Assumed:", "Poisson", "no failures");
    Matcher rows = Pattern.compile("(\\d+)%\\s+\\d+%\\s+[0-9.]+ s\\s+([0-9.]+) s").matcher(text);
    assertThat(rows.find()).isTrue();
    double low = Double.parseDouble(rows.group(2));
    assertThat(rows.find()).isTrue();
    assertThat(Double.parseDouble(rows.group(2))).isGreaterThan(low);

    Path trace = Files.writeString(folder.resolve("t.csv"), "# a trace\n0,a,m,1\n0.5,b,m,1\n");
    assertThat(run(folder, "simulate", "--trace", trace.toString())).contains("prompts/h");
  }
}
