package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.bench.Scrape;

/**
 * A server whose disk is full: everything that it writes is on a small disk in memory, seen by it
 * alone. Where this user may not mount, the test is skipped and says so.
 */
final class DiskFullTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final String SMALL_DISK =
      """
      mount -t tmpfs -o size=96m quartet-test "$0" || exit 9
      ln -s "$1" "$0/models"
      shift
      exec "$@"
      """;

  private static Scrape figures(Client client) {
    return Scrape.parse(client.get("/metrics").text());
  }

  @Test
  void promptsAreRefusedWithAReasonAndTheServerRecoversByItself(@TempDir Path base)
      throws Exception {
    Path models = ServerProcess.repository().resolve("models");
    List<String> command =
        new ArrayList<>(
            List.of(
                "unshare",
                "--mount",
                "bash",
                "-c",
                SMALL_DISK,
                base.toString(),
                models.toString()));
    Process may =
        new ProcessBuilder("unshare", "--mount", "mount", "-t", "tmpfs", "none", base.toString())
            .redirectErrorStream(true)
            .start();
    if (may.waitFor() != 0) {
      NodePrograms.skip("DiskFullTest", "this user may not mount a small disk");
    }
    command.addAll(ServerProcess.command(base, "--devices", "sim:1", "--sim", "step=1ms"));
    try (ServerProcess server = ServerProcess.start(base, command);
        Client client = new Client(server)) {
      // The disk as the server sees it.
      Path disk =
          Path.of("/proc", Long.toString(server.pid()), "root")
              .resolve(Path.of("/").relativize(base));
      String before = client.accepted(Client.quick(1));
      client.ended(before, PATIENCE);
      String running = client.accepted(Client.quick(5).replace("\"steps\":2", "\"steps\":2000"));
      Path filler = disk.resolve("filler");
      fill(filler);

      server.await(
          "a refusal",
          PATIENCE,
          () -> client.post("/prompt", Client.quick(System.nanoTime() >>> 16)).status() == 503);
      Client.Answer refused = client.post("/prompt", Client.quick(2));
      assertThat(refused.json().at("/error/type").asText()).isEqualTo("storage_unavailable");
      assertThat(refused.json().at("/error/details").asText())
          .contains("MB are free")
          .contains("wants 32 MB");
      assertThat(refused.header("Retry-After")).isNotEmpty();
      assertThat(client.get("/history").json().has(before)).as("what there is, stays").isTrue();
      assertThat(server.text()).contains("❌ the journal's database fails: ");
      server.await(
          "what the alerts look at",
          PATIENCE,
          () ->
              figures(client).sum("quartet_journal_failures_total") > 0
                  && figures(client).sum("quartet_disk_free_bytes") < 1e6);

      assertThat(client.ended(running, PATIENCE).at("/status/status_str").asText())
          .as("an accepted prompt goes on; its picture has no room, and it says so")
          .isEqualTo("error");
      Files.delete(filler);
      server.await(
          "prompts to be accepted again",
          PATIENCE,
          () -> client.post("/prompt", Client.quick(3)).status() == 200);
      server.await(
          "the end that was stored late",
          PATIENCE,
          () -> server.text().contains("The journal's database works again"));
      String after = client.accepted(Client.quick(4));
      assertThat(client.ended(after, PATIENCE).at("/status/status_str").asText())
          .isEqualTo("success");
    }
  }

  private static void fill(Path file) throws IOException {
    byte[] block = new byte[4096];
    try (OutputStream out = Files.newOutputStream(file)) {
      while (true) {
        out.write(block);
      }
    } catch (IOException full) {
      assertThat(full.getMessage()).contains("No space left");
    }
  }
}
