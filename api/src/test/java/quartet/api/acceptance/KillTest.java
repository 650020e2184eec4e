package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * kill -9 at random moments under load, on both databases. A hundred times:
 *
 * <pre>
 * ./mvnw -pl api -am test -Dtest=KillTest -Dsurefire.failIfNoSpecifiedTests=false -Dquartet.test.kills=100
 * </pre>
 */
final class KillTest {
  private static final Duration PATIENCE = Duration.ofMinutes(3);
  private static final int KILLS = Integer.getInteger("quartet.test.kills", 3);
  private static final long SEED = Long.getLong("quartet.test.seed", System.nanoTime());

  @Test
  void onH2(@TempDir Path base) throws Exception {
    kills(base, "H2", Map.of());
  }

  @Test
  void onPostgres(@TempDir Path base) throws Exception {
    try (PostgresServer postgres = PostgresServer.start()) {
      kills(base, "PostgreSQL", PostgresServer.environment(), postgres.arguments());
    }
  }

  private static ServerProcess start(Path base, Map<String, String> environment, String... more) {
    return ServerProcess.start(
        base, environment, ServerProcess.flags(ServerProcess.UNDER_LOAD, more));
  }

  private static void kills(
      Path base, String database, Map<String, String> environment, String... more)
      throws Exception {
    System.out.printf(
        "%s: -Dquartet.test.kills=%d -Dquartet.test.seed=%d%n", database, KILLS, SEED);
    Random random = new Random(SEED);
    Set<String> accepted = new ConcurrentSkipListSet<>();
    Set<String> known = new HashSet<>();
    List<Long> restarts = new ArrayList<>();
    for (int kill = 0; kill < KILLS; kill++) {
      try (ServerProcess server = start(base, environment, more);
          Client client = new Client(server)) {
        assertThat(DurableQueueTest.history(client)).as("seed %d", SEED).containsAll(known);
        AtomicBoolean killed = new AtomicBoolean();
        String prefix = "k" + kill + "-";
        Thread load = Thread.ofVirtual().start(() -> load(client, prefix, accepted, killed));
        if (kill > 0) {
          server.await(
              "the first execution after a restart",
              PATIENCE,
              () -> !DurableQueueTest.executed(server).isEmpty());
          restarts.add(server.millisUntil(" executed in "));
        }
        LockSupport.parkNanos(Duration.ofMillis(300 + random.nextInt(1500)).toNanos());
        known.addAll(DurableQueueTest.history(client));
        killed.set(true);
        DurableQueueTest.killNow(server);
        load.join();
        assertThat(DurableQueueTest.executed(server))
            .as("seed %d: nothing runs twice in one life", SEED)
            .doesNotHaveDuplicates();
      }
    }
    try (ServerProcess server = start(base, environment, more);
        Client client = new Client(server)) {
      Set<String> pictures = new LinkedHashSet<>();
      for (String id : accepted) {
        DurableQueueTest.endedWithItsPicture(server, client, id);
      }
      JsonNode history = client.get("/history").json();
      for (JsonNode entry : history) {
        assertThat(pictures.add(entry.at("/outputs/9/images/0/filename").asText())).isTrue();
      }
      assertThat(DurableQueueTest.history(client)).as("seed %d", SEED).containsAll(accepted);
      orderHolds(server);
      try (var files = Files.list(base.resolve("output"))) {
        List<String> names = files.map(file -> file.getFileName().toString()).toList();
        assertThat(names.stream().filter(name -> !name.startsWith(".")).count())
            .as("a kill leaves more pictures than records: one that runs, two that are saved")
            .isBetween((long) history.size(), history.size() + 2 * 3L * KILLS);
      }
    }
    System.out.printf(
        "%s: %d prompts accepted, %d kills; from java to the first execution ended after a restart:"
            + " %s ms%n",
        database, accepted.size(), KILLS, restarts);
  }

  /** Posts until the server is gone; half of the prompts name a device. */
  private static void load(
      Client client, String prefix, Set<String> accepted, AtomicBoolean killed) {
    for (int i = 0; !killed.get(); i++) {
      String id = prefix + String.format(java.util.Locale.ROOT, "%05d", i);
      String body = Client.named(id, 2, Map.of());
      try {
        Client.Answer answer =
            i % 2 == 0
                ? client.post("/prompt", body)
                : client.post("/prompt", body, "X-TARGET-GPU", Integer.toString(i / 2 % 2));
        if (answer.status() == 200) {
          accepted.add(id);
        }
      } catch (java.io.UncheckedIOException e) {
        return; // killed in the middle of an answer: not accepted as far as this client knows
      }
      LockSupport.parkNanos(Duration.ofMillis(40).toNanos());
    }
  }

  /** In the last life, prompts of one target ran in the order in which they were accepted. */
  private static void orderHolds(ServerProcess server) {
    Map<String, List<String>> byTarget = new HashMap<>();
    List<String> executed = DurableQueueTest.executed(server);
    for (String id : executed.subList(Math.min(2, executed.size()), executed.size())) {
      int number = Integer.parseInt(id.substring(id.indexOf('-') + 1));
      if (number % 2 == 1) {
        byTarget.computeIfAbsent("gpu" + number / 2 % 2, key -> new ArrayList<>()).add(id);
      }
    }
    byTarget
        .values()
        .forEach(
            ids -> assertThat(ids).as("seed %d", SEED).isSortedAccordingTo(KillTest::accepted));
  }

  private static int accepted(String one, String other) {
    int byLife =
        Integer.compare(
            Integer.parseInt(one.substring(1, one.indexOf('-'))),
            Integer.parseInt(other.substring(1, other.indexOf('-'))));
    return byLife != 0 ? byLife : one.compareTo(other);
  }
}
