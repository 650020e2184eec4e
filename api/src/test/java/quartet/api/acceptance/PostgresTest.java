package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same on PostgreSQL, where its programs are installed. */
final class PostgresTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Test
  void killedServerGoesOnWhereItWas(@TempDir Path base) throws Exception {
    Optional<Path> programs = programs();
    if (programs.isEmpty()) {
      System.out.println("PostgresTest skipped: no /usr/lib/postgresql/*/bin/initdb");
    }
    Assumptions.assumeTrue(programs.isPresent());
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Path folder = Files.createTempDirectory("quartet-postgres");
    boolean root = "root".equals(System.getProperty("user.name"));
    if (root) {
      run(List.of("chown", "postgres", folder.toString()));
    }
    Path data = folder.resolve("data");
    String bin = programs.get().toString();
    as(root, bin + "/initdb", "-D", data.toString(), "-A", "trust", "-U", "quartet", "-N");
    String options =
        "-p " + port + " -k " + folder + " -c listen_addresses=127.0.0.1 -c shared_buffers=16MB";
    try {
      as(
          root,
          bin + "/pg_ctl",
          "-D",
          data.toString(),
          "-o",
          options,
          "-l",
          folder.resolve("log").toString(),
          "-w",
          "start");
      goesOn(base, "jdbc:postgresql://127.0.0.1:" + port + "/postgres");
    } finally {
      as(root, bin + "/pg_ctl", "-D", data.toString(), "-m", "immediate", "stop");
      run(List.of("rm", "-rf", folder.toString()));
    }
  }

  private static void goesOn(Path base, String url) throws Exception {
    Map<String, String> user = Map.of("QUARTET_DATABASE_USER", "quartet");
    String[] arguments = {"--devices", "cpu:1", "--database", url};
    List<String> ids = new ArrayList<>();
    try (ServerProcess server = ServerProcess.start(base, user, arguments);
        Client client = new Client(server)) {
      ids.add(client.accepted(DurableQueueTest.slow(1)));
      ids.add(client.accepted(Client.quick(2)));
      ids.add(client.accepted(Client.quick(3)));
      DurableQueueTest.killNow(server);
    }
    try (ServerProcess server = ServerProcess.start(base, user, arguments);
        Client client = new Client(server)) {
      for (String id : ids) {
        DurableQueueTest.endedWithItsPicture(server, client, id);
      }
      assertThat(DurableQueueTest.executed(server)).containsExactlyElementsOf(ids);
      client.post("/history", "{\"clear\": true}");
      assertThat(DurableQueueTest.history(client)).isEmpty();
    }
    assertThat(base.resolve("data")).as("no H2 file beside it").doesNotExist();
  }

  private static Optional<Path> programs() throws IOException {
    Path parent = Path.of("/usr/lib/postgresql");
    if (!Files.isDirectory(parent)) {
      return Optional.empty();
    }
    try (Stream<Path> versions = Files.list(parent)) {
      return versions
          .map(version -> version.resolve("bin"))
          .filter(bin -> Files.isExecutable(bin.resolve("initdb")))
          .max(java.util.Comparator.naturalOrder());
    }
  }

  /** As the user postgres if we are root, which initdb refuses. */
  private static void as(boolean root, String... command) throws Exception {
    List<String> words = new ArrayList<>();
    if (root) {
      words.addAll(List.of("runuser", "-u", "postgres", "--"));
    }
    words.addAll(List.of(command));
    run(words);
  }

  private static void run(List<String> command) throws Exception {
    Process process =
        new ProcessBuilder(command)
            .directory(Path.of("/tmp").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    assertThat(process.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
    assertThat(process.exitValue()).as("%s", command).isZero();
  }
}
