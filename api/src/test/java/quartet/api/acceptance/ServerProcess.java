package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CopyOnWriteArrayList;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import java.util.function.BooleanSupplier;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Stream;

/** {@code quartet serve} in a JVM of its own, with its log lines as they come. */
final class ServerProcess implements AutoCloseable {
  private static final Pattern ADDRESS =
      Pattern.compile("To see the GUI go to: https?://[^:]+:(\\d+)");
  private static final int HEAP_MEGABYTES = 768;
  private static final Duration START_PATIENCE = Duration.ofSeconds(90);

  /** Two simulated devices that give a prompt of two steps 140 ms each, and room for thousands. */
  static final List<String> UNDER_LOAD =
      List.of(
          "--devices",
          "sim:2",
          "--sim",
          "step=60ms,image=0ms,decode=20ms,text=0ms,load=20ms,load-gb=1ms",
          "--queue-size",
          "5000");

  /**
   * For a server whose memory is watched: its heap is all there from the start, so what grows is
   * weights and tensors. It takes a second longer to start.
   */
  static final Map<String, String> HEAP_TOUCHED =
      Map.of("JAVA_TOOL_OPTIONS", "-XX:+AlwaysPreTouch");

  private final Process process;
  private final Path base;
  private final String host;
  private final Thread reader;
  private final List<String> log = new CopyOnWriteArrayList<>();
  private final long started = System.nanoTime();
  private final Map<String, Long> lineMillis = new java.util.concurrent.ConcurrentHashMap<>();

  private ServerProcess(Process process, Path base, String host) {
    this.process = process;
    this.base = base;
    this.host = host;
    this.reader = Thread.ofVirtual().start(this::read);
  }

  /**
   * Starts one on a free port and waits until it serves.
   *
   * @param base an empty folder; the repository's models are linked into it
   */
  static ServerProcess start(Path base, Map<String, String> environment, String... arguments) {
    return launch(base, environment, arguments).serving();
  }

  /** Flags, and more of them. */
  static String[] flags(List<String> flags, String... more) {
    return Stream.concat(flags.stream(), Stream.of(more)).toArray(String[]::new);
  }

  /** Starts one that must end at once, because of its flags, and say why. */
  static void refuses(Path base, String why, String... flags) throws InterruptedException {
    try (ServerProcess server = launch(base, Map.of(), flags)) {
      assertThat(server.exitCode(START_PATIENCE)).isEqualTo(1);
      assertThat(server.text()).contains(why);
    }
  }

  /** Starts one by a command of its own, and waits until it serves. */
  static ServerProcess start(Path base, List<String> command) {
    try {
      return new ServerProcess(
              new ProcessBuilder(command)
                  .directory(base.toFile())
                  .redirectErrorStream(true)
                  .start(),
              base,
              "127.0.0.1")
          .serving();
    } catch (IOException e) {
      throw new UncheckedIOException("the server could not be started", e);
    }
  }

  private ServerProcess serving() {
    await("the server's address", START_PATIENCE, () -> port() > 0 || !process.isAlive());
    assertThat(process.isAlive()).as("server died:\n%s", text()).isTrue();
    return this;
  }

  /** The command that starts one on a free port, with the JVM of the test. */
  static List<String> command(Path base, String... arguments) {
    return command(base, HEAP_MEGABYTES, arguments);
  }

  private static List<String> command(Path base, int heapMegabytes, String... arguments) {
    List<String> command =
        ProductJvm.command(
            List.of(
                "-XX:+ExitOnOutOfMemoryError",
                "-Xms" + heapMegabytes + "m",
                "-Xmx" + heapMegabytes + "m",
                "-Dfile.encoding=UTF-8",
                "-Dstdout.encoding=UTF-8"));
    command.addAll(List.of("serve", "--base-directory", base.toString()));
    if (List.of(arguments).stream().noneMatch(argument -> argument.startsWith("--port"))) {
      command.addAll(List.of("--port", "0"));
    }
    command.addAll(List.of(arguments));
    return command;
  }

  /** Starts one and waits for nothing. */
  static ServerProcess launch(Path base, Map<String, String> environment, String... arguments) {
    return launch(base, "127.0.0.1", List.of(), HEAP_MEGABYTES, environment, arguments);
  }

  /**
   * Starts one elsewhere and waits for nothing.
   *
   * @param host where it can be reached
   * @param prefix words before the command, for example to run it in another network namespace
   */
  static ServerProcess launch(
      Path base,
      String host,
      List<String> prefix,
      int heapMegabytes,
      Map<String, String> environment,
      String... arguments) {
    try {
      if (!Files.exists(base.resolve("models"))) {
        Files.createSymbolicLink(base.resolve("models"), repository().resolve("models"));
      }
      List<String> command = new ArrayList<>(prefix);
      command.addAll(command(base, heapMegabytes, arguments));
      ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
      builder.environment().remove("COMFY_MULTI_GPU_SCHED");
      builder.environment().remove("COMFY_NUM_GPUS");
      builder.environment().putAll(environment);
      return new ServerProcess(builder.start(), base, host);
    } catch (IOException e) {
      throw new UncheckedIOException("the server could not be started", e);
    }
  }

  /** The folder that holds the parent pom. */
  static Path repository() {
    Path folder = Path.of("").toAbsolutePath();
    while (folder != null && !Files.exists(folder.resolve("start_multi_gpu.sh"))) {
      folder = folder.getParent();
    }
    return java.util.Objects.requireNonNull(folder, "not inside the repository");
  }

  private void read() {
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(process.getInputStream(), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        log.add(line);
        lineMillis.putIfAbsent(line, (System.nanoTime() - started) / 1_000_000);
      }
    } catch (IOException e) {
      log.add("(reading the log failed: " + e + ")");
    }
  }

  int port() {
    for (String line : log) {
      Matcher matcher = ADDRESS.matcher(line);
      if (matcher.find()) {
        return Integer.parseInt(matcher.group(1));
      }
    }
    return 0;
  }

  String url(String path) {
    return "http://" + host + ":" + port() + path;
  }

  Path base() {
    return base;
  }

  List<String> log() {
    return List.copyOf(log);
  }

  String text() {
    return String.join("\n", log);
  }

  /** How many lines have this text. */
  long lines(String text) {
    return log.stream().filter(line -> line.contains(text)).count();
  }

  /** Milliseconds from the process's start to the first line with this text. */
  long millisUntil(String text) {
    return log.stream()
        .filter(line -> line.contains(text))
        .findFirst()
        .map(line -> lineMillis.getOrDefault(line, -1L))
        .orElse(-1L);
  }

  long pid() {
    return process.pid();
  }

  boolean isAlive() {
    return process.isAlive();
  }

  int exitCode(Duration patience) throws InterruptedException {
    assertThat(process.waitFor(patience.toMillis(), TimeUnit.MILLISECONDS))
        .as("still running:\n%s", text())
        .isTrue();
    reader.join(Duration.ofSeconds(10)); // its last lines may still be in the pipe
    return process.exitValue();
  }

  /** Ends it as Ctrl-C does. */
  void terminate() {
    process.destroy();
  }

  /** Ends it as a power loss does. */
  void kill() {
    process.destroyForcibly();
  }

  /** Waits until something holds; fails with the server's log otherwise. */
  void await(String what, Duration patience, BooleanSupplier holds) {
    Instant end = Instant.now().plus(patience);
    while (!holds.getAsBoolean()) {
      assertThat(Instant.now())
          .as("waited %s for %s; the log:\n%s", patience, what, text())
          .isBefore(end);
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
    }
  }

  @Override
  public void close() {
    process.destroy();
    try {
      if (!process.waitFor(30, TimeUnit.SECONDS)) {
        process.destroyForcibly();
      }
    } catch (InterruptedException e) {
      process.destroyForcibly();
      Thread.currentThread().interrupt();
    }
  }
}
