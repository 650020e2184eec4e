package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Three servers under load, of which one is killed, frozen, cut off or restarted: every accepted
 * prompt ends exactly once. Longer, with a rolling restart of all three:
 *
 * <pre>
 * ./mvnw -pl api -am test -Dtest=ClusterTest -Dsurefire.failIfNoSpecifiedTests=false -Dquartet.test.cluster=long
 * </pre>
 */
final class ClusterTest {
  private static final boolean LONG = "long".equals(System.getProperty("quartet.test.cluster"));
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  /** What operators are promised; the aim is 10 s, on machines with nothing else to do. */
  private static final Duration TAKEN_OVER = Duration.ofSeconds(20);

  @Test
  void killedFrozenAndRestarted(@TempDir Path base) throws Exception {
    try (PostgresServer postgres = PostgresServer.start();
        ClusterNodes nodes = ClusterNodes.onLoopback(base, postgres)) {
      nodes.start("a", "b", "c");
      routesWorkOnEveryServer(nodes);
      try (ClusterLoad load = new ClusterLoad(nodes)) {
        nodes.await("load everywhere", PATIENCE, () -> load.accepted().size() > 20);
        List<String> onC = pinned(load, "c", 4);
        nodes.get("c").kill();
        report("kill -9", taken(nodes, "a", onC));
        nodes.start("c");

        onC = pinned(load, "c", 4);
        ClusterNodes.signal(nodes.get("c"), "STOP");
        report("SIGSTOP", taken(nodes, "b", onC));
        ClusterNodes.signal(nodes.get("c"), "CONT");
        assertThat(nodes.get("c").exitCode(PATIENCE))
            .as("a server that was left behind ends to be started again")
            .isEqualTo(86);

        if (LONG) {
          nodes.start("c");
        }

        for (String name : LONG ? nodes.names() : List.of("b")) {
          onC = pinned(load, name, 4);
          nodes.get(name).terminate();
          nodes.get(name).exitCode(PATIENCE);
          String other = name.equals("a") ? "b" : "a";
          report("SIGTERM " + name, taken(nodes, other, onC));
          assertThat(nodes.get(other).text())
              .as("a server that leaves is not taken for dead")
              .doesNotContainPattern("Server " + name + " \\S+ does not answer");
          if (LONG) {
            long began = System.nanoTime();
            nodes.start(name);
            System.out.printf(
                "%s serves again after %d ms, %d prompts accepted so far%n",
                name, (System.nanoTime() - began) / 1_000_000, load.accepted().size());
          }
        }
        load.stop();
        load.everythingEndedOnce(nodes.get("a"), postgres);
      }
    }
  }

  /** Of three servers one dies, and then the one that has the lease because of that. */
  @Test
  void theHolderOfTheLeaseDies(@TempDir Path base) throws Exception {
    Assumptions.assumeTrue(LONG, "only with -Dquartet.test.cluster=long");
    try (PostgresServer postgres = PostgresServer.start();
        ClusterNodes nodes = ClusterNodes.onLoopback(base, postgres)) {
      nodes.start("a", "b", "c");
      try (ClusterLoad load = new ClusterLoad(nodes)) {
        nodes.await("load everywhere", PATIENCE, () -> load.accepted().size() > 20);
        List<String> onC = pinned(load, "c", 4);
        nodes.get("c").kill();
        List<String> holder = new ArrayList<>();
        nodes.await(
            "a decision about c",
            PATIENCE,
            () -> {
              postgres.strings("SELECT owner FROM quartet_lease").forEach(holder::add);
              return !holder.isEmpty();
            });
        String first = nodes.at(holder.getFirst());
        String last = first.equals("a") ? "b" : "a";
        report("kill -9, first of two", taken(nodes, last, onC));
        List<String> onFirst = new ArrayList<>();
        for (int i = 0; i < 4; i++) {
          onFirst.add(load.post(last, Map.of("X-TARGET-GPU", first + "/" + i % 2)));
        }
        assertThat(postgres.strings("SELECT owner FROM quartet_lease"))
            .as("it still has the lease")
            .containsExactly(holder.getFirst());
        nodes.get(first).kill();
        report("kill -9 of the lease's holder", taken(nodes, last, onFirst));
        load.stop();
        load.everythingEndedOnce(nodes.get(last), postgres);
        assertThat(nodes.get(last).isAlive()).isTrue();
      }
    }
  }

  @Test
  void cutOffAndHealed(@TempDir Path base) throws Exception {
    String cannot = ClusterNetwork.missing();
    if (cannot != null) {
      System.out.println("skipped: no network namespaces: " + cannot);
    }
    Assumptions.assumeTrue(cannot == null);
    try (ClusterNetwork network = ClusterNetwork.create("a", "b", "c");
        PostgresServer postgres = PostgresServer.start()) {
      postgres.alsoAt(ClusterNetwork.GATEWAY, ClusterNetwork.NETWORK);
      try (ClusterNodes nodes = ClusterNodes.in(network, base, postgres)) {
        nodes.start("a", "b", "c");
        try (ClusterLoad load = new ClusterLoad(nodes)) {
          nodes.await("load everywhere", PATIENCE, () -> load.accepted().size() > 20);
          List<String> onC = pinned(load, "c", 4);
          network.cut("c");
          report("cut off", taken(nodes, "a", onC));
          assertThat(nodes.get("c").exitCode(PATIENCE)).isEqualTo(86);
          network.heal("c");
          nodes.start("c");
          load.stop();
          load.everythingEndedOnce(nodes.get("c"), postgres);
        }
      }
    }
  }

  /** Prompts that only one server may run, so that it has some when it goes. */
  private static List<String> pinned(ClusterLoad load, String node, int count) {
    List<String> ids = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      ids.add(load.post("a".equals(node) ? "b" : "a", Map.of("X-TARGET-GPU", node + "/" + i % 2)));
    }
    return ids;
  }

  /** Milliseconds until these prompts have ended, as another server sees it. */
  private static long taken(ClusterNodes nodes, String seenBy, List<String> ids) {
    long began = System.nanoTime();
    try (Client client = new Client(nodes.get(seenBy))) {
      for (String id : ids) {
        client.ended(id, TAKEN_OVER);
      }
    } catch (AssertionError e) {
      throw new AssertionError(e.getMessage() + nodes.logs(), e);
    }
    return (System.nanoTime() - began) / 1_000_000;
  }

  private static void report(String what, long millis) {
    System.out.printf("%s: the server's prompts had run elsewhere after %d ms%n", what, millis);
  }

  private static int up(Client client) {
    int up = 0;
    for (JsonNode node : client.get("/cluster").json().at("/nodes")) {
      up += node.at("/status").asText().equals("up") ? 1 : 0;
    }
    return up;
  }

  private static void routesWorkOnEveryServer(ClusterNodes nodes) {
    try (Client a = new Client(nodes.get("a"));
        Client b = new Client(nodes.get("b"))) {
      // A server serves when it is up itself; the others hear of that a moment later.
      nodes.await("all to be up", PATIENCE, () -> up(a) == 3);
      assertThat(a.get("/cluster").json().at("/self").asText()).isEqualTo("a");
      String id = a.accepted(Client.quick(7), "X-TARGET-GPU", "b/1");
      var image = a.ended(id, PATIENCE).at("/outputs/9/images/0");
      assertThat(image.at("/subfolder").asText()).isEqualTo("@b");
      String view =
          "/view?filename=" + image.at("/filename").asText() + "&subfolder=@b&type=output";
      assertThat(a.get(view).bytes())
          .startsWith(0x89, 'P', 'N', 'G')
          .isEqualTo(b.get(view).bytes());
      assertThat(a.get("/api/jobs/" + id).json().at("/status").asText()).isEqualTo("completed");
      assertThat(a.post("/prompt", Client.quick(8), "X-TARGET-GPU", "x/0").text())
          .contains("There is no server 'x'");

      // A waiting prompt of b is seen and taken out on a, and a running one is stopped from there.
      String slow =
          a.post("/prompt", ClusterLoad.slow(1), "X-TARGET-GPU", "b/0")
              .json()
              .at("/prompt_id")
              .asText();
      String waits =
          a.post("/prompt", ClusterLoad.slow(2), "X-TARGET-GPU", "b/0")
              .json()
              .at("/prompt_id")
              .asText();
      nodes.await(
          "both to be seen",
          PATIENCE,
          () -> {
            String queues = a.get("/queue/all").text();
            return queues.contains(slow) && queues.contains(waits);
          });
      a.post("/queue", "{\"delete\": [\"" + waits + "\"]}");
      a.post("/interrupt", "{\"prompt_id\": \"" + slow + "\"}");
      assertThat(a.ended(slow, PATIENCE).at("/status/status_str").asText()).isEqualTo("error");
      nodes.await(
          "an empty queue",
          PATIENCE,
          () -> b.get("/queue/all").json().at("/total_pending").asInt() == 0);
      assertThat(b.get("/history/" + waits).json()).isEmpty();
    }
  }
}
