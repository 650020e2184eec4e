package quartet.api.acceptance;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.concurrent.TimeUnit;

/** The command line in a JVM of its own. */
final class Cli {
  private Cli() {}

  /** What a command said. */
  record Result(int exit, String out, String err) {}

  /** Runs a command to its end. */
  static Result run(String... arguments) {
    List<String> command = ProductJvm.command(List.of());
    command.addAll(List.of(arguments));
    try {
      Path out = Files.createTempFile("quartet-cli", ".out");
      Path err = Files.createTempFile("quartet-cli", ".err");
      Process process =
          new ProcessBuilder(command)
              .redirectOutput(out.toFile())
              .redirectError(err.toFile())
              .start();
      if (!process.waitFor(2, TimeUnit.MINUTES)) {
        process.destroyForcibly();
        throw new AssertionError(command + " did not end:\n" + Files.readString(err));
      }
      Result result = new Result(process.exitValue(), Files.readString(out), Files.readString(err));
      Files.delete(out);
      Files.delete(err);
      return result;
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new IllegalStateException(e);
    }
  }
}
