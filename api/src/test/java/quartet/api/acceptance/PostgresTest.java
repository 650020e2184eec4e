package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The same on PostgreSQL, where its programs are installed. */
final class PostgresTest {
  private static final Duration PATIENCE = Duration.ofMinutes(2);
  private static final Duration AWAY =
      Duration.ofSeconds(Integer.getInteger("quartet.test.database.away", 30));

  @Test
  void killedServerGoesOnWhereItWas(@TempDir Path base) throws Exception {
    try (PostgresServer postgres = PostgresServer.start()) {
      String[] arguments = postgres.arguments("--devices", "cpu:1");
      List<String> ids = new ArrayList<>();
      try (ServerProcess server =
              ServerProcess.start(base, PostgresServer.environment(), arguments);
          Client client = new Client(server)) {
        ids.add(client.accepted(DurableQueueTest.slow(1)));
        ids.add(client.accepted(Client.quick(2)));
        ids.add(client.accepted(Client.quick(3)));
        DurableQueueTest.killNow(server);
      }
      try (ServerProcess server =
              ServerProcess.start(base, PostgresServer.environment(), arguments);
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
  }

  @Test
  void stoppedInTheMiddleOfLoadLosesNothing(@TempDir Path base) throws Exception {
    try (PostgresServer postgres = PostgresServer.start();
        ServerProcess server =
            ServerProcess.start(
                base,
                PostgresServer.environment(),
                postgres.arguments(
                    "--devices", "sim:2", "--sim", "step=300ms,load=10ms", "--queue-size", "500"));
        Client client = new Client(server)) {
      Set<String> accepted = new LinkedHashSet<>();
      for (int i = 0; i < 20; i++) {
        accepted.add(client.accepted(Client.quick(i)));
      }
      postgres.stop();
      Instant back = Instant.now().plus(AWAY);
      int refused = 0;
      long seed = 1000;
      while (Instant.now().isBefore(back)) {
        Client.Answer answer = client.post("/prompt", Client.quick(seed++));
        assertThat(answer.status()).as(answer.text()).isEqualTo(503);
        assertThat(answer.json().at("/error/type").asText()).isEqualTo("storage_unavailable");
        assertThat(answer.json().at("/error/details").asText()).isNotEmpty();
        assertThat(answer.header("Retry-After")).isNotEmpty();
        refused++;
        LockSupport.parkNanos(Duration.ofMillis(200).toNanos());
      }
      assertThat(refused).isGreaterThan(1);
      int endedMeanwhile = DurableQueueTest.executed(server).size();
      postgres.resume();
      server.await(
          "prompts to be accepted again",
          PATIENCE,
          () -> client.post("/prompt", Client.quick(5000)).status() == 200);
      for (int i = 0; i < 5; i++) {
        accepted.add(client.accepted(Client.quick(6000 + i)));
      }
      for (String id : accepted) {
        DurableQueueTest.endedWithItsPicture(server, client, id);
      }
      assertThat(endedMeanwhile).as("accepted prompts went on meanwhile").isPositive();
      server.await(
          "everything to be stored",
          PATIENCE,
          () -> server.text().contains("The journal's database works again; everything is stored"));
      DurableQueueTest.killNow(server);
      try (ServerProcess again =
              ServerProcess.start(
                  base,
                  PostgresServer.environment(),
                  postgres.arguments("--devices", "sim:2", "--sim", "step=1ms"));
          Client after = new Client(again)) {
        assertThat(DurableQueueTest.history(after)).containsAll(accepted);
        assertThat(DurableQueueTest.executed(again)).doesNotContainAnyElementsOf(accepted);
      }
    }
  }
}
