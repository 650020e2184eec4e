package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Devices that fail on purpose: prompts survive, and neighbours never notice. */
final class FaultsTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Pattern PROCESS = Pattern.compile("\\[GPU 0\\] runs in process (\\d+)");

  private static ServerProcess start(Path base, String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--devices",
                "sim:2",
                "--sim",
                "step=20ms,image=1ms,decode=1ms,text=1ms,load=10ms,load-gb=1ms",
                "--inject-faults",
                base.resolve("faults").toString(),
                "--stuck-after",
                "4"));
    arguments.addAll(List.of(more));
    return ServerProcess.start(base, Map.of(), arguments.toArray(String[]::new));
  }

  private static String post(Client client, int gpu, String id, String text, int steps) {
    return client.accepted(
        Client.named(id, steps, Map.of("6.text", text)), "X-TARGET-GPU", Integer.toString(gpu));
  }

  private static String status(Client client, String id) {
    return client.ended(id, PATIENCE).at("/status/status_str").asText();
  }

  private static long lastProcess(ServerProcess server) {
    long pid = 0;
    Matcher matcher = PROCESS.matcher(server.text());
    while (matcher.find()) {
      pid = Long.parseLong(matcher.group(1));
    }
    return pid;
  }

  @Test
  void inProcessesOfTheirOwnDevicesFailAlone(@TempDir Path base) {
    try (ServerProcess server = start(base, "--isolation", "process");
        Client client = new Client(server)) {
      post(client, 1, "neighbour", "a hill", 1200); // 25 s
      for (String fault : List.of("driver-once", "sticky-once", "stuck-once")) {
        post(client, 0, fault, "fault:" + fault, 2);
        assertThat(status(client, fault)).as("%s\n%s", fault, server.text()).isEqualTo("success");
      }
      long before = lastProcess(server);
      post(client, 0, "killed", "a lake", 100);
      server.await(
          "the prompt to run",
          PATIENCE,
          () ->
              client.get("/queue").json().path("queue_running").toString().contains("\"killed\""));
      ProcessHandle.of(before).orElseThrow().destroyForcibly();
      server.await(
          "the device to be shown as failed",
          PATIENCE,
          () ->
              client
                  .get("/queue/all")
                  .json()
                  .at("/queues/0/unhealthy")
                  .asText()
                  .contains("ended with code"));
      assertThat(status(client, "killed")).isEqualTo("success");
      assertThat(lastProcess(server)).isNotEqualTo(before);

      post(client, 0, "always", "fault:driver", 2);
      JsonNode always = client.ended("always", PATIENCE);
      assertThat(always.at("/status/status_str").asText()).isEqualTo("error");
      assertThat(always.toString()).contains("The device failed twice while it ran this prompt");

      for (int i = 0; i < 3; i++) {
        post(client, 0, "storm" + i, "fault:oom", 2);
        assertThat(status(client, "storm" + i)).isEqualTo("error");
      }
      post(client, 0, "after", "a tree", 2);
      assertThat(status(client, "after")).isEqualTo("success");
      assertThat(server.text()).contains("3 prompts in a row ran out of memory");

      assertThat(status(client, "neighbour")).isEqualTo("success");
      assertThat(DurableQueueTest.executed(server)).containsOnlyOnce("neighbour");
      assertThat(server.text()).doesNotContain("[GPU 1] failed");
      DurableQueueTest.endedWithItsPicture(server, client, "neighbour");
    }
  }

  @Test
  void aStepThatTakesLongIsNoHang(@TempDir Path base) {
    List<String> arguments =
        List.of(
            "--devices",
            "sim:1",
            "--sim",
            "step=9s,image=1ms,decode=1ms,text=1ms,load=10ms,load-gb=1ms",
            "--stuck-after",
            "4",
            "--isolation",
            "process");
    try (ServerProcess server =
            ServerProcess.start(base, Map.of(), arguments.toArray(String[]::new));
        Client client = new Client(server)) {
      post(client, 0, "long", "a hill", 1);
      assertThat(status(client, "long")).isEqualTo("success");
      assertThat(DurableQueueTest.executed(server)).containsExactly("long");
      assertThat(server.text()).doesNotContain("no sign of life");
    }
  }

  @Test
  void inOneProcessAStickyFaultLetsTheOthersEndAndTheProcessIsReplaced(@TempDir Path base)
      throws Exception {
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      post(client, 1, "neighbour", "a hill", 150);
      post(client, 1, "waiting", "a tree", 2);
      post(client, 0, "faulty", "fault:sticky-once", 2);
      assertThat(server.exitCode(PATIENCE)).as(server.text()).isEqualTo(86);
      assertThat(DurableQueueTest.executed(server)).containsExactly("neighbour");
    }
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      for (String id : List.of("neighbour", "faulty", "waiting")) {
        DurableQueueTest.endedWithItsPicture(server, client, id);
      }
      assertThat(DurableQueueTest.executed(server)).containsExactlyInAnyOrder("faulty", "waiting");
    }
  }

  @Test
  void inOneProcessAPromptThatHangsReplacesTheProcessToo(@TempDir Path base) throws Exception {
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      post(client, 0, "hangs", "fault:stuck-once", 2);
      assertThat(server.exitCode(PATIENCE)).as(server.text()).isEqualTo(86);
      assertThat(server.text()).contains("prompt hangs has given no sign of life for ");
    }
    try (ServerProcess server = start(base);
        Client client = new Client(server)) {
      DurableQueueTest.endedWithItsPicture(server, client, "hangs");
    }
  }
}
