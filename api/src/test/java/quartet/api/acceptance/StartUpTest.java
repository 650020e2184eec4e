package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Starting, refusing to start, and stopping. */
final class StartUpTest {
  private static final Duration PATIENCE = Duration.ofMinutes(1);

  @Test
  void singleDeviceModeWorksOnItsOwn(@TempDir Path base) {
    try (ServerProcess server =
            ServerProcess.start(base, Map.of("COMFY_MULTI_GPU_SCHED", "0", "COMFY_NUM_GPUS", "4"));
        Client client = new Client(server)) {
      assertThat(client.get("/").status()).isEqualTo(200);
      assertThat(client.get("/queue/all").json().path("queues")).hasSize(1);
      assertThat(server.text()).doesNotContain("Multi-GPU mode ENABLED");
      String id = client.accepted(Client.quick(1));
      assertThat(client.ended(id, PATIENCE).path("status").path("completed").asBoolean()).isTrue();
      assertThat(server.text()).contains("Routing prompt " + id + " to GPU 0");
    }
  }

  /** As in most containers. */
  @Test
  void aMachineWhoseNameNobodyKnowsIsNoReasonForAComplaint(@TempDir Path base) throws IOException {
    Path nobody = Files.createFile(base.resolve("hosts"));
    try (ServerProcess server =
        ServerProcess.start(base, Map.of("JAVA_TOOL_OPTIONS", "-Djdk.net.hosts.file=" + nobody))) {
      assertThat(server.text()).contains("-Djdk.net.hosts.file").doesNotContain("Exception");
    }
  }

  @Test
  void fewerDevicesThanAskedForStopTheStart(@TempDir Path base) throws InterruptedException {
    Map<String, String> four = Map.of("COMFY_MULTI_GPU_SCHED", "1", "COMFY_NUM_GPUS", "4");
    try (ServerProcess server = ServerProcess.launch(base, four, "--devices", "cpu:2")) {
      assertThat(server.exitCode(PATIENCE)).isEqualTo(1);
      assertThat(server.text())
          .contains("COMFY_NUM_GPUS asks for 4 devices, but there are only 2")
          .contains("--allow-fewer-devices");
    }
    try (ServerProcess server =
        ServerProcess.start(base, four, "--devices", "cpu:2", "--allow-fewer-devices")) {
      assertThat(server.text()).contains("Multi-GPU mode ENABLED with 2 GPUs");
    }
  }

  @Test
  void openAddressesWantASecondWord(@TempDir Path base) throws InterruptedException {
    ServerProcess.refuses(base, "--no-auth", "--listen", "0.0.0.0");
  }

  @Test
  void takenPortIsSaidSo(@TempDir Path base, @TempDir Path other) throws InterruptedException {
    try (ServerProcess first = ServerProcess.start(base, Map.of())) {
      ServerProcess.refuses(
          other, "Cannot listen on 127.0.0.1:" + first.port(), "--port=" + first.port());
    }
  }

  @Test
  void terminationInTheMiddleLeavesNoHalfPicture(@TempDir Path base)
      throws InterruptedException, IOException {
    try (ServerProcess server = ServerProcess.start(base, Map.of());
        Client client = new Client(server)) {
      String id = client.accepted(Client.quick(1).replace("\"steps\":2", "\"steps\":2000"));
      server.await("the worker", PATIENCE, () -> server.text().contains("Worker started"));
      server.terminate();
      assertThat(server.exitCode(PATIENCE)).isIn(0, 143);
      assertThat(server.text()).contains(id);
      try (Stream<Path> files = Files.list(base.resolve("output"))) {
        assertThat(files).isEmpty();
      }
    }
    try (ServerProcess again = ServerProcess.start(base, Map.of())) {
      assertThat(again.isAlive()).isTrue();
    }
  }
}
