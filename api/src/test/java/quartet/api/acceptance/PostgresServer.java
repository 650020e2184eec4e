package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import java.util.stream.Stream;
import org.junit.jupiter.api.Assumptions;

/** A PostgreSQL of the test's own, from the distribution's package. */
final class PostgresServer implements AutoCloseable {
  private static final long PATIENCE_SECONDS = 120;

  private final boolean root = "root".equals(System.getProperty("user.name"));
  private final String bin;
  private final Path folder;
  private final int port;
  private String host = "127.0.0.1";

  private PostgresServer(String bin, Path folder, int port) {
    this.bin = bin;
    this.folder = folder;
    this.port = port;
  }

  /** Starts one on a free port; without the programs the calling test is skipped and says so. */
  static PostgresServer start() throws IOException {
    Optional<Path> programs = programs();
    if (programs.isEmpty()) {
      System.out.println("skipped: no /usr/lib/postgresql/*/bin/initdb");
    }
    Assumptions.assumeTrue(programs.isPresent());
    int port;
    try (ServerSocket free = new ServerSocket(0)) {
      port = free.getLocalPort();
    }
    Path folder = Files.createTempDirectory("quartet-postgres");
    PostgresServer server = new PostgresServer(programs.get().toString(), folder, port);
    if (server.root) {
      run(List.of("chown", "postgres", folder.toString()));
    }
    server.as("initdb", "-D", server.data(), "-A", "trust", "-U", "quartet", "-N");
    server.resume();
    return server;
  }

  /** From now on, and after {@link #resume}, it can also be reached at another address. */
  void alsoAt(String address, String network) throws IOException {
    host = address;
    Files.writeString(
        folder.resolve("data/pg_hba.conf"),
        "host all all " + network + " trust\n",
        java.nio.file.StandardOpenOption.APPEND);
    stop();
    resume();
  }

  /** For the driver, from this machine. */
  String url() {
    return "jdbc:postgresql://127.0.0.1:" + port + "/postgres";
  }

  /** The first column of what a query finds. */
  List<String> strings(String query) {
    List<String> found = new ArrayList<>();
    try (Connection database = DriverManager.getConnection(url(), "quartet", "");
        Statement statement = database.createStatement();
        ResultSet rows = statement.executeQuery(query)) {
      while (rows.next()) {
        found.add(rows.getString(1));
      }
      return found;
    } catch (SQLException e) {
      throw new AssertionError(query, e);
    }
  }

  private String data() {
    return folder.resolve("data").toString();
  }

  /** Starts it after {@link #stop}. */
  void resume() throws IOException {
    as(
        "pg_ctl",
        "-D",
        data(),
        "-o",
        "-p "
            + port
            + " -k "
            + folder
            + " -c listen_addresses='127.0.0.1,"
            + host
            + "' -c shared_buffers=16MB",
        "-l",
        folder.resolve("log").toString(),
        "-w",
        "start");
  }

  /** Ends it without waiting for its clients. */
  void stop() throws IOException {
    as("pg_ctl", "-D", data(), "-m", "immediate", "stop");
  }

  String[] arguments(String... more) {
    List<String> arguments =
        new ArrayList<>(
            List.of("--database", "jdbc:postgresql://" + host + ":" + port + "/postgres"));
    arguments.addAll(List.of(more));
    return arguments.toArray(String[]::new);
  }

  static Map<String, String> environment() {
    return Map.of("QUARTET_DATABASE_USER", "quartet");
  }

  @Override
  public void close() throws IOException {
    stop();
    run(List.of("rm", "-rf", folder.toString()));
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
  private void as(String program, String... arguments) throws IOException {
    List<String> words = new ArrayList<>();
    if (root) {
      words.addAll(List.of("runuser", "-u", "postgres", "--"));
    }
    words.add(bin + "/" + program);
    words.addAll(List.of(arguments));
    run(words);
  }

  private static void run(List<String> command) throws IOException {
    Process process =
        new ProcessBuilder(command)
            .directory(Path.of("/tmp").toFile())
            .redirectErrorStream(true)
            .redirectOutput(ProcessBuilder.Redirect.DISCARD)
            .start();
    try {
      assertThat(process.waitFor(PATIENCE_SECONDS, TimeUnit.SECONDS)).isTrue();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
    assertThat(process.exitValue()).as("%s", command).isZero();
  }
}
