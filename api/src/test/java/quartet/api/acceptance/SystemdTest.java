package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.abort;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The systemd unit as systemd itself reads it, with this checkout's paths. */
final class SystemdTest {
  private static final long PATIENCE_SECONDS = 60;

  @TempDir Path folder;

  @Test
  void systemdFindsNothingWrongWithTheUnit() throws Exception {
    assertThat(verified(unit())).isEmpty();
  }

  @Test
  void aBrokenUnitIsNoticed() throws Exception {
    assertThat(verified(unit().replace("Restart=always", "Restart=sometimes")))
        .contains("sometimes");
  }

  private static String unit() throws IOException {
    Path checkout = ServerProcess.repository();
    return Files.readString(checkout.resolve("config/systemd/quartet.service"))
        .replace("/opt/quartet", checkout.toString())
        .replace("User=quartet", "User=root");
  }

  private String verified(String text) throws Exception {
    Path file = Files.writeString(folder.resolve("quartet.service"), text);
    Path log = folder.resolve("log");
    Process process;
    try {
      process =
          new ProcessBuilder("systemd-analyze", "verify", "--recursive-errors=no", file.toString())
              .redirectErrorStream(true)
              .redirectOutput(log.toFile())
              .start();
    } catch (IOException e) {
      String why = "systemd-analyze is not installed: " + e.getMessage();
      System.out.println("SKIPPED SystemdTest: " + why);
      abort(why);
      return "";
    }
    assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    return Files.readString(log);
  }
}
