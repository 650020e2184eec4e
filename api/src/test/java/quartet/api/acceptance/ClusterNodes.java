package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BooleanSupplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/** Servers that form a cluster, each in a JVM of its own, by their names. */
final class ClusterNodes implements AutoCloseable {
  private static final Duration START_PATIENCE = Duration.ofMinutes(2);
  private static final int HEAP_MEGABYTES = 256;

  private final Path base;
  private final PostgresServer postgres;
  private final @Nullable ClusterNetwork network;
  private final Map<String, Integer> ports = new LinkedHashMap<>();
  private final Map<String, ServerProcess> running = new LinkedHashMap<>();

  private ClusterNodes(Path base, PostgresServer postgres, @Nullable ClusterNetwork network)
      throws IOException {
    this.base = base;
    this.postgres = postgres;
    this.network = network;
    for (String name : List.of("a", "b", "c")) {
      try (ServerSocket free = new ServerSocket(0)) {
        ports.put(name, free.getLocalPort());
      }
    }
  }

  static ClusterNodes onLoopback(Path base, PostgresServer postgres) throws IOException {
    return new ClusterNodes(base, postgres, null);
  }

  static ClusterNodes in(ClusterNetwork network, Path base, PostgresServer postgres)
      throws IOException {
    return new ClusterNodes(base, postgres, network);
  }

  private String host(String name) {
    return network == null ? "127.0.0.1" : network.address(name);
  }

  /** Starts these at the same time and waits until all serve. */
  void start(String... names) throws IOException {
    for (String name : names) {
      running.put(name, launch(name));
    }
    for (String name : names) {
      ServerProcess server = get(name);
      server.await(
          "the address of " + name, START_PATIENCE, () -> server.port() > 0 || !server.isAlive());
      assertThat(server.isAlive()).as("server %s died:\n%s", name, server.text()).isTrue();
    }
  }

  private ServerProcess launch(String name) throws IOException {
    Path folder = Files.createDirectories(base.resolve(name));
    List<String> arguments =
        new ArrayList<>(
            List.of(
                "--node-name",
                name,
                "--cluster",
                ports.entrySet().stream()
                    .map(one -> host(one.getKey()) + ":" + one.getValue())
                    .collect(Collectors.joining(",")),
                "--cluster-host",
                host(name),
                "--cluster-port",
                Integer.toString(ports.getOrDefault(name, 0))));
    if (network != null) {
      arguments.addAll(List.of("--listen", host(name), "--no-auth"));
    }
    return ServerProcess.launch(
        folder,
        host(name),
        network == null ? List.of() : network.prefix(name),
        HEAP_MEGABYTES,
        PostgresServer.environment(),
        postgres.arguments(
            ServerProcess.flags(ServerProcess.UNDER_LOAD, arguments.toArray(String[]::new))));
  }

  ServerProcess get(String name) {
    return java.util.Objects.requireNonNull(running.get(name), name);
  }

  /** The server at an address of the cluster, as Akka writes it: {@code quartet@host:port}. */
  String at(String address) {
    return ports.entrySet().stream()
        .filter(one -> address.endsWith("@" + host(one.getKey()) + ":" + one.getValue()))
        .findFirst()
        .orElseThrow(() -> new AssertionError("no server at " + address + ": " + ports))
        .getKey();
  }

  List<String> names() {
    return List.copyOf(ports.keySet());
  }

  void await(String what, Duration patience, BooleanSupplier holds) {
    get("a").await(what, patience, holds);
  }

  /**
   * What all servers have written into their log files, for failures that are not the fault of the
   * one that was asked. The console of a server that was told to end cannot be read any more.
   */
  String logs() {
    StringBuilder text = new StringBuilder();
    for (String name : names()) {
      try (Stream<Path> files = Files.list(base.resolve(name).resolve("logs"))) {
        for (Path file : files.sorted().toList()) {
          text.append("\nLOG OF ").append(name).append(", ").append(file.getFileName());
          text.append('\n').append(Files.readString(file));
        }
      } catch (IOException e) {
        text.append("\nthe log of ").append(name).append(" cannot be read: ").append(e);
      }
    }
    return text.toString();
  }

  /** Freezes it, or lets it go on. */
  static void signal(ServerProcess server, String signal) throws IOException, InterruptedException {
    Process kill =
        new ProcessBuilder("kill", "-" + signal, Long.toString(server.pid())).inheritIO().start();
    assertThat(kill.waitFor()).isZero();
  }

  @Override
  public void close() {
    running.values().forEach(ServerProcess::terminate);
    running.values().forEach(ServerProcess::close);
  }
}
