package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.Statement;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.ConcurrentSkipListSet;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;

/** Clients that post all the time, each to its server, and to another one when that fails. */
final class ClusterLoad implements AutoCloseable {
  private static final Duration EVERY = Duration.ofMillis(150);
  private static final Duration PATIENCE = Duration.ofMinutes(2);

  private final ClusterNodes nodes;
  private final HttpClient http = HttpClient.newHttpClient();
  private final Set<String> accepted = new ConcurrentSkipListSet<>();
  private final AtomicBoolean stopped = new AtomicBoolean();
  private final AtomicInteger count = new AtomicInteger();
  private final List<Thread> threads = new ArrayList<>();

  ClusterLoad(ClusterNodes nodes) {
    this.nodes = nodes;
    for (String name : nodes.names()) {
      threads.add(Thread.ofVirtual().start(() -> run(name)));
    }
  }

  Set<String> accepted() {
    return accepted;
  }

  /** A prompt of a minute. */
  static String slow(int seed) {
    return Client.named("slow-" + seed, 1000, Map.of());
  }

  private void run(String name) {
    while (!stopped.get()) {
      String id = "load-%05d".formatted(count.incrementAndGet());
      for (String node : nodes.names()) {
        String next = node.equals(nodes.names().getFirst()) ? name : node;
        if (tryPost(next, id, Client.named(id, 2, Map.of()), Map.of())) {
          break;
        }
      }
      LockSupport.parkNanos(EVERY.toNanos());
    }
  }

  private boolean tryPost(String node, String id, String body, Map<String, String> headers) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(URI.create(nodes.get(node).url("/prompt")))
            .timeout(Duration.ofSeconds(5))
            .POST(HttpRequest.BodyPublishers.ofString(body));
    headers.forEach(request::header);
    try {
      if (http.send(request.build(), HttpResponse.BodyHandlers.ofString()).statusCode() == 200) {
        accepted.add(id);
        return true;
      }
    } catch (IOException e) {
      return false; // the server is gone, or frozen: another one is asked, under the same id
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    return false;
  }

  /** Posts one of a second that has to be taken. */
  String post(String node, Map<String, String> headers) {
    String id = "named-%05d".formatted(count.incrementAndGet());
    assertThat(tryPost(node, id, Client.named(id, 15, Map.of()), headers))
        .as(nodes.get(node).text())
        .isTrue();
    return id;
  }

  void stop() {
    stopped.set(true);
    for (Thread thread : threads) {
      try {
        thread.join();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
    }
  }

  /** Every accepted prompt has ended, once, and well; the journal and a server agree. */
  void everythingEndedOnce(ServerProcess server, PostgresServer postgres) throws Exception {
    try (Client client = new Client(server)) {
      Set<String> open = new LinkedHashSet<>(accepted);
      server.await(
          "all prompts to end",
          PATIENCE,
          () -> {
            open.removeAll(DurableQueueTest.history(client));
            return open.isEmpty();
          });
      JsonNode history = client.get("/history").json();
      for (String id : accepted) {
        assertThat(history.at("/" + id + "/status/status_str").asText())
            .as(id)
            .isEqualTo("success");
      }
    }
    try (Connection database = DriverManager.getConnection(postgres.url(), "quartet", "");
        Statement statement = database.createStatement();
        ResultSet twice =
            statement.executeQuery(
                "SELECT persistence_id, count(*) FROM event_journal"
                    + " WHERE event_ser_manifest = 'prompt-end' GROUP BY 1 HAVING count(*) > 1")) {
      assertThat(twice.next()).as("a prompt has ended twice").isFalse();
    }
    System.out.printf("%d prompts accepted, all ended once%n", accepted.size());
  }

  @Override
  public void close() {
    stop();
    http.close();
  }
}
