package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/**
 * The page at / in a real browser: headless Chromium, driven by puppeteer-core, looked over by
 * axe-core. Both come from npm and are kept below {@code target}; where Chromium, npm or the
 * registry is missing, the test that asks is skipped and says so. The screenshots of the
 * documentation are made here: {@code target/dashboard/dashboard-*.png}.
 *
 * @param base the server's folder
 */
record DashboardDay(String browser, Path script, Path base, Path broken, Path editor) {
  private static final List<String> PACKAGES = List.of("puppeteer-core@24.43.1", "axe-core@4.14.1");
  private static final Duration PATIENCE = Duration.ofMinutes(5);
  private static final double GOOD_LAYOUT_SHIFT = 0.1; // web.dev/cls

  static String chromium(String test) {
    Optional<Path> found =
        Stream.of("chromium", "chromium-browser", "google-chrome")
            .flatMap(
                name ->
                    Stream.of(
                            Optional.ofNullable(System.getenv("PATH"))
                                .orElse("")
                                .split(File.pathSeparator, -1))
                        .filter(folder -> !folder.isEmpty())
                        .map(folder -> Path.of(folder, name)))
            .filter(Files::isExecutable)
            .findFirst();
    if (found.isEmpty()) {
      NodePrograms.skip(test, "no chromium, chromium-browser or google-chrome");
    }
    return found.orElseThrow().toString();
  }

  static Path script(String test, String name) throws IOException {
    Path folder = NodePrograms.installed(test, "npm-page", PACKAGES);
    Path source =
        ServerProcess.repository().resolve("api/src/test/resources/clients").resolve(name);
    return Files.copy(source, folder.resolve(name), StandardCopyOption.REPLACE_EXISTING);
  }

  private static List<String> texts(JsonNode list) {
    return java.util.stream.StreamSupport.stream(list.spliterator(), false)
        .map(JsonNode::asText)
        .toList();
  }

  /** Prepares the files of a server that is started in this folder afterwards. */
  static DashboardDay in(String test, Path base) throws IOException {
    String browser = chromium(test);
    Path script = script(test, "dashboard.mjs");
    Files.createDirectories(base.resolve("input"));
    Files.writeString(base.resolve("input/broken.png"), "no picture at all");
    Path broken = base.resolve("broken.json");
    Files.writeString(
        broken,
        """
        {"1": {"class_type": "LoadImage", "inputs": {"image": "broken.png"}},
         "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
        """);
    Path editor = base.resolve("editor.json");
    Files.writeString(editor, ConvertTest.EDITOR);
    return new DashboardDay(browser, script, base, broken, editor);
  }

  /** Does it, with four devices that show previews, and fails where something is amiss. */
  void spendOn(ServerProcess server) throws IOException {
    Path shots = ServerProcess.repository().resolve("api/target/dashboard");
    Files.createDirectories(shots);
    Path workflow = ServerProcess.repository().resolve("docs/examples/landscape.json");
    JsonNode seen =
        NodePrograms.result(
            script,
            PATIENCE,
            "node",
            "127.0.0.1:" + server.port(),
            browser,
            shots.toString(),
            workflow.toString(),
            editor.toString(),
            broken.toString(),
            base.resolve("output").toString());
    assertThat(texts(seen.path("troubles"))).as("errors in the browser").isEmpty();
    assertThat(texts(seen.path("foreign"))).as("requests to others").isEmpty();
    assertThat(texts(seen.path("violations"))).as("accessibility").isEmpty();
    assertThat(texts(seen.path("canary"))).as("axe finds a button without a name").isNotEmpty();
    assertThat(seen.path("shifts").asDouble()).isLessThan(GOOD_LAYOUT_SHIFT);
    assertThat(seen.path("title").asText()).isEqualTo("Devices");
    assertThat(seen.path("lone").asBoolean()).as("a server by itself shows no cluster").isTrue();
    assertThat(texts(seen.path("cluster")))
        .containsExactly(
            "one this server up 3 waiting · 0.1.0 · gpu"
                + " GPU 0 sd_xl_base_1.0 · 2 waiting running GPU 1 sd_xl_base_1.0 · 1 waiting idle",
            "two not reachable heard of 42 s ago · 1 waiting · 0.1.0"
                + " GPU 0 sd_xl_base_1.0 · 1 waiting was unhealthy");
    assertThat(texts(seen.path("sensors")))
        .containsExactly("87 % busy · 412 W · 61 °C", "0 % busy · Xid 79: 2 times", "", "");
    assertThat(seen.path("dropped").asText()).contains("landscape.json").contains("7");
    assertThat(seen.path("preview").asBoolean()).isTrue();
    assertThat(seen.path("progress").asBoolean()).isTrue();
    String prompt = "mountains above a lake at sunset";
    assertThat(seen.path("caption").asText()).isEqualTo(prompt);
    assertThat(seen.path("fromPicture").asText()).isEqualTo(prompt);
    assertThat(seen.path("reused").asText()).isEqualTo(prompt);
    assertThat(seen.path("converted").asText()).isEqualTo("48");
    assertThat(seen.path("keptEditor").asDouble()).isEqualTo(0.4);
    assertThat(seen.path("order")).hasSize(3).isEqualTo(seen.path("expected"));
    assertThat(seen.path("ranOn2").asBoolean()).as("moved to GPU 2, and ran there").isTrue();
    assertThat(seen.path("error").asText())
        .contains("broken.png")
        .contains("Node 1 (LoadImage)")
        .contains("Check that the file")
        .containsPattern(Pattern.compile("quartet\\.\\w+.*\\.java:\\d+"));
    assertThat(texts(seen.path("remembered"))).containsExactly("dark", "设备");
    assertThat(texts(seen.path("english"))).as("words left in English").isEmpty();
    assertThat(texts(seen.path("wide"))).as("wider than 360 px").isEmpty();
    assertThat(texts(seen.path("unreached"))).as("not reached by Tab").isEmpty();
  }
}
