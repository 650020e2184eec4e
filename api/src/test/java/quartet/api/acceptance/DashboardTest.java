package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The page at / in a real browser: headless Chromium, driven by puppeteer-core, looked over by
 * axe-core. Both come from npm and are kept below {@code target}; where Chromium, npm or the
 * registry is missing, the tests are skipped and say so. The screenshots of the documentation are
 * made here: {@code target/dashboard/dashboard-*.png}.
 */
final class DashboardTest {
  private static final Duration PATIENCE = Duration.ofMinutes(5);

  @Test
  void aPersonDoesTheWorkOfADay(@TempDir Path base) throws IOException {
    DashboardDay day = DashboardDay.in("DashboardTest", base);
    try (ServerProcess server = ServerProcess.start(base, Map.of(), "--devices", "cpu:4")) {
      day.spendOn(server);
    }
  }

  @Test
  void aServerWithKeysAsksForOne(@TempDir Path base) throws IOException {
    String browser = DashboardDay.chromium("DashboardTest");
    Path script = DashboardDay.script("DashboardTest", "dashboard-key.mjs");
    Path keys = base.resolve("keys.txt");
    String key = Cli.run("key", "ann", "--role", "admin", "--keys", keys.toString()).out().strip();
    try (ServerProcess server =
        ServerProcess.start(base, Map.of(), "--devices", "sim:1", "--api-keys", keys.toString())) {
      JsonNode seen =
          NodePrograms.result(script, PATIENCE, "node", "127.0.0.1:" + server.port(), browser, key);
      assertThat(seen.path("wrong").asText()).contains("not known");
      assertThat(seen.path("picture").asBoolean()).isTrue();
      assertThat(seen.path("inScripts").asText()).as("the key, for scripts").isEmpty();
      assertThat(seen.path("address").asText()).as("the key, in the address").isEmpty();
    }
  }
}
