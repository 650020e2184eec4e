package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.EOFException;
import java.io.IOException;
import java.net.SocketException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.atomic.AtomicIntegerArray;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import quartet.api.wire.Json;

/**
 * More than twenty thousand requests that no client should send, from a seed, while good ones are
 * served. A failure prints the request; the seed makes it again.
 */
final class FuzzTest {
  private static final long SEED = 20261125;
  private static final int WORKERS = 6;
  private static final int EACH = 3600;

  /** After these the server has loaded its code and filled its pools. */
  private static final int WARM = 600;

  private static final int SLOW_BODIES = 20;
  private static final Duration PATIENCE = Duration.ofMinutes(1);
  private static final int MEGABYTE = 1024;

  private static final String GOOD =
      """
      {"1": {"class_type": "EmptyImage", "inputs": {"width": 16, "height": 16, "batch_size": 1, "color": %d}},
       "2": {"class_type": "PreviewImage", "inputs": {"images": ["1", 0]}}}
      """;

  private final Queue<String> problems = new ConcurrentLinkedQueue<>();
  private final AtomicInteger answered = new AtomicInteger();
  private final AtomicIntegerArray statuses = new AtomicIntegerArray(600);

  @Test
  void hostileRequestsHarmNobody(@TempDir Path base) throws Exception {
    try (ServerProcess server =
            ServerProcess.start(
                base,
                ServerProcess.HEAP_TOUCHED,
                "--devices",
                "cpu:1",
                "--max-upload-size",
                "1",
                "--history-size",
                "200",
                "--queue-size",
                "2000");
        Client client = new Client(server)) {
      run(server, 0, WARM);
      assertThat(problems).as("seed %d; the log:%n%s", SEED, lastLines(server)).isEmpty();
      settle(server, client);
      long memory = figure(server, "VmRSS:");
      long threads = figure(server, "Threads:");
      long files = openFiles(server);

      AtomicBoolean stop = new AtomicBoolean();
      AtomicInteger good = new AtomicInteger();
      Thread bystander = Thread.ofVirtual().start(() -> serveGood(client, stop, good));
      List<RawHttp> slow = slowBodies(server);
      run(server, WARM, EACH);
      stop.set(true);
      bystander.join();
      for (RawHttp one : slow) {
        one.close();
      }

      assertThat(problems)
          .as("seed %d; statuses %s; the log:%n%s", SEED, statuses(), lastLines(server))
          .isEmpty();
      assertThat(server.isAlive()).isTrue();
      assertThat(answered.get()).isGreaterThan(20_000 * 8 / 10);
      assertThat(good.get()).as("good prompts that ended well meanwhile").isPositive();
      settle(server, client);
      server.await("closed connections", PATIENCE, () -> openFiles(server) <= files + 20);
      assertThat(figure(server, "Threads:")).isLessThanOrEqualTo(threads + 15);
      assertThat(figure(server, "VmRSS:")).isLessThanOrEqualTo(memory + 200L * MEGABYTE);
      assertThat(nothingOutside(base)).isEmpty();
      System.out.printf(
          "FuzzTest: %d answers, statuses %s, %d good prompts meanwhile; memory %d -> %d MB%n",
          answered.get(),
          statuses(),
          good.get(),
          memory / MEGABYTE,
          figure(server, "VmRSS:") / MEGABYTE);
    }
  }

  private static String lastLines(ServerProcess server) {
    return String.join(
        "\n", server.log().stream().filter(line -> line.contains("ERROR")).limit(20).toList());
  }

  private void run(ServerProcess server, int from, int to) throws InterruptedException {
    List<Thread> workers = new ArrayList<>();
    for (int worker = 0; worker < WORKERS; worker++) {
      long seed = SEED + 1000L * from + worker;
      workers.add(Thread.ofVirtual().start(() -> attack(server, seed, to - from)));
    }
    for (Thread worker : workers) {
      worker.join();
    }
  }

  private void attack(ServerProcess server, long seed, int count) {
    ObjectNode prompt = parsed(GOOD.formatted(7));
    prompt.setAll(Client.workflow(Map.of("3.steps", -1, "5.width", 64, "5.height", 64)));
    Hostile hostile = new Hostile(seed, prompt);
    RawHttp connection = null;
    try {
      for (int i = 0; i < count; i++) {
        Hostile.Request request = hostile.next();
        if (connection == null || !request.wellFormed()) {
          close(connection);
          connection = new RawHttp(server.port());
        }
        if (!answer(connection, request)) {
          close(connection);
          connection = null;
        }
      }
    } catch (IOException e) {
      problems.add("seed %d: %s".formatted(seed, e));
    } finally {
      close(connection);
    }
  }

  /** Whether the connection can be used again. */
  private boolean answer(RawHttp connection, Hostile.Request request) throws IOException {
    try {
      connection.send(request.bytes());
      if (!request.wellFormed()) {
        connection.finish();
      }
      RawHttp.Reply reply = connection.reply(request.head());
      statuses.incrementAndGet(reply.status());
      answered.incrementAndGet();
      boolean documented = reply.status() == 501 || reply.status() == 505;
      if (reply.status() >= 500 && !documented) {
        problems.add(
            "%d %s for %s"
                .formatted(
                    reply.status(),
                    new String(reply.body(), StandardCharsets.UTF_8),
                    shown(request.bytes())));
      }
      return request.wellFormed() && !reply.closes();
    } catch (EOFException | SocketException e) {
      if (request.wellFormed()) {
        problems.add("no answer (%s) for %s".formatted(e.getMessage(), shown(request.bytes())));
      }
      return false;
    }
  }

  private static String shown(byte[] bytes) {
    return new String(bytes, 0, Math.min(bytes.length, 1500), StandardCharsets.ISO_8859_1);
  }

  private static void close(@org.jspecify.annotations.Nullable RawHttp connection) {
    try {
      if (connection != null) {
        connection.close();
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** A client with good manners: its prompts run all the while, before those that wait. */
  private void serveGood(Client client, AtomicBoolean stop, AtomicInteger good) {
    for (int i = 0; !stop.get(); i++) {
      Client.Answer answer =
          client.post(
              "/prompt", "{\"front\": true, \"prompt\": %s}".formatted(GOOD.formatted(1000 + i)));
      if (answer.status() == 200) {
        String id = answer.json().path("prompt_id").asText();
        JsonNode status = client.ended(id, PATIENCE).path("status");
        if (status.path("status_str").asText().equals("success")) {
          good.incrementAndGet();
        } else if (!status.path("messages").toString().contains("execution_interrupted")) {
          // Hostile requests may be POST /interrupt, which stops whatever runs: nothing else may.
          problems.add("a good prompt failed: " + id + " " + status);
        }
      } else if (answer.status() != 429) {
        problems.add("a good prompt was refused: " + answer.text());
      }
    }
  }

  /** Bodies that begin and never end. */
  private static List<RawHttp> slowBodies(ServerProcess server) throws IOException {
    List<RawHttp> slow = new ArrayList<>();
    for (int i = 0; i < SLOW_BODIES; i++) {
      RawHttp one = new RawHttp(server.port());
      one.send(
          "POST /prompt HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{\"prompt\""
              .getBytes(StandardCharsets.US_ASCII));
      slow.add(one);
    }
    return slow;
  }

  /** Waits until everything that was accepted has run. */
  private static void settle(ServerProcess server, Client client) {
    client.post("/queue", "{\"clear\":true}");
    server.await(
        "an idle server",
        PATIENCE,
        () -> client.get("/prompt").json().at("/exec_info/queue_remaining").asInt() == 0);
  }

  private static long figure(ServerProcess server, String name) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/" + server.pid() + "/status"))) {
      String line = lines.filter(one -> one.startsWith(name)).findFirst().orElseThrow();
      return Long.parseLong(line.replaceAll("\\D", ""));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private static long openFiles(ServerProcess server) {
    try (Stream<Path> files = Files.list(Path.of("/proc/" + server.pid() + "/fd"))) {
      return files.count();
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /** Files in places where uploads and user data have nothing to do. */
  private static List<String> nothingOutside(Path base) throws IOException {
    List<String> allowed =
        List.of("models", "input", "output", "temp", "user", "data", "logs", "custom_nodes");
    try (Stream<Path> files = Files.list(base)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> !allowed.contains(name))
          .toList();
    }
  }

  private String statuses() {
    StringBuilder text = new StringBuilder();
    for (int status = 0; status < statuses.length(); status++) {
      if (statuses.get(status) > 0) {
        text.append(status).append(':').append(statuses.get(status)).append(' ');
      }
    }
    return text.toString().strip();
  }

  private static ObjectNode parsed(String text) {
    try {
      return (ObjectNode) Json.parse(text.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }
}
