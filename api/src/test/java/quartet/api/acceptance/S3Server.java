package quartet.api.acceptance;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.net.ServerSocket;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.LockSupport;
import org.jspecify.annotations.Nullable;

/**
 * S3-compatible storage in a process of its own: s3rver from npm. It checks names of keys, not
 * signatures.
 */
final class S3Server implements AutoCloseable {
  static final String KEY = "S3RVER";
  static final String BUCKET = "pictures";
  private static final Duration PATIENCE = Duration.ofSeconds(60);

  private final Path program;
  private final Path folder;
  private final int port;
  private @Nullable Process process;

  /** Not started yet; without npm or its registry the calling test is skipped and says so. */
  S3Server(String test, Path folder) throws IOException {
    this.program =
        NodePrograms.installed(test, "s3rver", List.of("s3rver@3.7.1"))
            .resolve("node_modules/s3rver/bin/s3rver.js");
    this.folder = Files.createDirectories(folder);
    try (ServerSocket free = new ServerSocket(0)) {
      this.port = free.getLocalPort();
    }
  }

  void start() throws IOException {
    process =
        new ProcessBuilder(
                "node",
                program.toString(),
                "-d",
                folder.toString(),
                "-a",
                "127.0.0.1",
                "-p",
                Integer.toString(port),
                "--configure-bucket",
                BUCKET)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolveSibling("s3rver.log").toFile())
            .start();
    Instant end = Instant.now().plus(PATIENCE);
    while (!answers()) {
      assertThat(Instant.now()).as(() -> "s3rver said:\n" + said()).isBefore(end);
      LockSupport.parkNanos(Duration.ofMillis(50).toNanos());
    }
  }

  private boolean answers() {
    try (Socket socket = new Socket(java.net.InetAddress.getLoopbackAddress(), port)) {
      return socket.isConnected();
    } catch (IOException e) {
      return false;
    }
  }

  private String said() {
    try {
      return Files.readString(folder.resolveSibling("s3rver.log"));
    } catch (IOException e) {
      return e.toString();
    }
  }

  String url() {
    return "http://127.0.0.1:" + port;
  }

  /** Where it keeps an object's bytes. */
  Path object(String key) {
    return folder.resolve(BUCKET).resolve(key + "._S3rver_object");
  }

  void stop() {
    Process running = process;
    if (running != null) {
      running.destroyForcibly(); // told politely, it waits for clients that keep their connection
      try {
        assertThat(running.waitFor(PATIENCE.toSeconds(), TimeUnit.SECONDS)).isTrue();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
      }
      process = null;
    }
  }

  @Override
  public void close() {
    stop();
  }
}
