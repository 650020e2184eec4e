package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.ServerSocket;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.h2.tools.Server;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A database that goes away while the server runs, and comes back. */
final class DatabaseAwayTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  @Test
  void newPromptsAreRefusedUntilItIsBack(@TempDir Path base) throws Exception {
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Server database = h2(base, port);
    String url = "jdbc:h2:tcp://127.0.0.1:" + port + "/./journal";
    try {
      String running;
      String later;
      try (ServerProcess server = DurableQueueTest.start(base, "--database", url);
          Client client = new Client(server)) {
        running = client.accepted(DurableQueueTest.slow(1));
        String waiting = client.accepted(Client.quick(2));
        database.stop();
        Client.Answer refused = client.post("/prompt", Client.quick(3));
        assertThat(refused.status()).as(refused.text()).isEqualTo(503);
        assertThat(refused.json().at("/error/type").asText()).isEqualTo("storage_unavailable");
        assertThat(refused.json().at("/error/details").asText()).contains("database fails: ");
        assertThat(refused.response().headers().firstValue("retry-after")).isPresent();
        assertThat(client.get("/health/live").status()).isEqualTo(200);
        server.await(
            "the server to be called not ready",
            PATIENCE,
            () -> client.get("/health/ready").text().contains("journal_unavailable"));
        assertThat(client.get("/health/ready").status()).isEqualTo(503);
        DurableQueueTest.endedWithItsPicture(server, client, running);
        DurableQueueTest.endedWithItsPicture(server, client, waiting);
        assertThat(client.get("/queue/all").json().path("total_pending").asInt()).isZero();

        database = h2(base, port);
        server.await(
            "prompts to be accepted again",
            PATIENCE,
            () -> client.post("/prompt", Client.quick(4)).status() == 200);
        server.await(
            "the server to be ready", PATIENCE, () -> client.get("/health/ready").status() == 200);
        later = client.accepted(DurableQueueTest.withId("later", Client.quick(5)));
        client.ended(later, PATIENCE);
        server.await(
            "the word that it works again",
            PATIENCE,
            () -> server.text().contains("The journal's database works again"));
        DurableQueueTest.killNow(server);
      }
      try (ServerProcess server = DurableQueueTest.start(base, "--database", url);
          Client client = new Client(server)) {
        assertThat(DurableQueueTest.history(client)).contains(running, later);
        assertThat(DurableQueueTest.executed(server)).doesNotContain(running, later);
      }
    } finally {
      database.stop();
    }
  }

  @Test
  void secondServerOnTheSameFileSaysWhyItStops(@TempDir Path base) throws Exception {
    try (ServerProcess first = DurableQueueTest.start(base);
        ServerProcess second = ServerProcess.launch(base, Map.of(), "--devices", "cpu:1")) {
      assertThat(second.exitCode(PATIENCE)).isNotZero();
      assertThat(second.text()).contains("Is another server running on it?");
      assertThat(first.isAlive()).isTrue();
    }
  }

  private static Server h2(Path base, int port) throws java.sql.SQLException {
    return Server.createTcpServer(
            "-tcpPort",
            Integer.toString(port),
            "-ifNotExists",
            "-baseDir",
            base.resolve("database").toString())
        .start();
  }
}
