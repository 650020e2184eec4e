package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.jspecify.annotations.Nullable;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInstance;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.bench.Scrape;
import quartet.api.telemetry.Figure;
import quartet.api.wire.Json;
import quartet.engine.sim.SimCosts;

/** What Prometheus gets, and that rules and dashboard ask for nothing else. */
@TestInstance(TestInstance.Lifecycle.PER_CLASS)
final class MetricsTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Pattern NAME = Pattern.compile("quartet_[a-z_]+");
  private static final int PROMPTS = 3;

  private @Nullable ServerProcess started;
  private @Nullable Client opened;

  @BeforeAll
  void someHistory(@TempDir Path base) {
    ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "sim:2");
    started = server;
    Client client = new Client(server);
    opened = client;
    client.post("/prompt", "{}");
    for (int i = 0; i < PROMPTS; i++) {
      client.ended(client.accepted(Client.quick(i)), PATIENCE);
    }
    server.await("the figures of all prompts", PATIENCE, () -> succeeded() == PROMPTS);
    // The JVM's own are looked at now and then only.
    server.await(
        "the JVM's figures", PATIENCE, () -> names().contains("jvm_memory_used_bytes_count"));
  }

  @AfterAll
  void stop() {
    client().close();
    java.util.Objects.requireNonNull(started).close();
  }

  private Client client() {
    return java.util.Objects.requireNonNull(opened);
  }

  private Scrape scrape() {
    return Scrape.parse(client().get("/metrics").text());
  }

  private double succeeded() {
    return scrape().sum("quartet_prompts_total", "outcome", "succeeded");
  }

  private Set<String> names() {
    Set<String> names = new TreeSet<>();
    scrape().samples().forEach(sample -> names.add(sample.name()));
    return names;
  }

  @Test
  void systemStatsTellsTheMemoryOfTheDeviceAndNotOfTheMachine() {
    assertThat(client().get("/system_stats").json().at("/devices/1/vram_total").asLong())
        .isEqualTo(SimCosts.DEFAULT.memoryBytes());
  }

  @Test
  void everyFigureOfOursIsThere() {
    Set<String> names = names();
    for (Figure figure : Figure.values()) {
      if (figure.needsSensors()) {
        assertThat(names).as("no card, no figure").doesNotContain(figure.exported());
        continue;
      }
      assertThat(names)
          .as("%s: %s", figure, figure.help())
          .containsAnyOf(figure.exported(), figure.exported() + "_count");
    }
    assertThat(names).contains("jvm_memory_used_bytes_count");
  }

  @Test
  void figuresSayWhatHappened() {
    Scrape now = scrape();
    assertThat(now.sum("quartet_prompts_total")).isEqualTo(PROMPTS);
    assertThat(now.sum("quartet_prompt_rejections_total", "reason", "no_prompt")).isEqualTo(1);
    assertThat(now.sum("quartet_stage_duration_seconds_count", "stage", "denoise"))
        .isEqualTo(PROMPTS);
    assertThat(
            now.sum("quartet_prompt_duration_seconds_count", "model", "quartet-demo.safetensors"))
        .isEqualTo(PROMPTS);
    assertThat(now.sum("quartet_gpu_up")).isEqualTo(2);
    assertThat(now.sum("quartet_cluster_servers", "status", "up")).isEqualTo(1);
    assertThat(now.sum("quartet_cluster_servers")).isEqualTo(1);
    assertThat(now.sum("quartet_process_resident_bytes")).isGreaterThan(50e6);
    assertThat(now.sum("quartet_actor_processing_seconds_count", "actor", "router"))
        .isGreaterThan(PROMPTS);
    assertThat(now.samples()).noneMatch(sample -> sample.labels().containsKey("prompt_id"));
  }

  @Test
  void rulesAndDashboardNameOnlyWhatIsThere() throws IOException {
    Set<String> names = names();
    for (Figure figure : Figure.values()) {
      if (figure.needsSensors()) {
        names.add(figure.exported());
      }
    }
    Path config = ServerProcess.repository().resolve("config");
    String rules = Files.readString(config.resolve("prometheus/alerts.yml"));
    String dashboard = Files.readString(config.resolve("grafana/quartet.json"));
    assertThat(
            Json.parse(dashboard.getBytes(java.nio.charset.StandardCharsets.UTF_8)).at("/panels"))
        .hasSizeGreaterThan(15);
    for (String text : List.of(rules, dashboard)) {
      Set<String> asked = new TreeSet<>();
      for (Matcher matcher = NAME.matcher(text); matcher.find(); ) {
        asked.add(matcher.group());
      }
      assertThat(asked).hasSizeGreaterThan(8);
      assertThat(names).containsAll(asked);
    }
  }

  @Test
  void prometheusTakesTheRulesAndTheScrape(@TempDir Path folder)
      throws IOException, InterruptedException {
    Path promtool = Path.of("/usr/bin/promtool");
    if (!Files.isExecutable(promtool)) {
      System.out.println("MetricsTest is skipped in part: no promtool at " + promtool);
    }
    assumeTrue(Files.isExecutable(promtool), "promtool (Debian's package prometheus) is missing");
    Path config = ServerProcess.repository().resolve("config/prometheus");
    assertThat(run(folder, "check", "rules", config.resolve("alerts.yml").toString())).isZero();
    assertThat(
            run(
                folder,
                "check",
                "config",
                "--syntax-only",
                config.resolve("scrape.yml").toString()))
        .isZero();
    assertThat(run(folder, "test", "rules", config.resolve("alerts_test.yml").toString())).isZero();
    Path broken = folder.resolve("broken.yml");
    Files.writeString(
        broken, Files.readString(config.resolve("alerts.yml")).replace("== 0", "=== 0"));
    assertThat(run(folder, "check", "rules", broken.toString())).isNotZero();
  }

  private static int run(Path folder, String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new java.util.ArrayList<>(List.of("/usr/bin/promtool"));
    command.addAll(Arrays.asList(arguments));
    return new ProcessBuilder(command).directory(folder.toFile()).inheritIO().start().waitFor();
  }

  @Test
  void withoutMetricsNothingIsServed(@TempDir Path base) {
    try (ServerProcess server =
            ServerProcess.start(base, Map.of(), "--devices", "sim:1", "--no-metrics");
        Client quiet = new Client(server)) {
      quiet.ended(quiet.accepted(Client.quick(1)), PATIENCE);
      assertThat(quiet.get("/metrics").status()).isEqualTo(404);
      assertThat(quiet.get("/metrics").text()).contains("--no-metrics");
    }
  }
}
