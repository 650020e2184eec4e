package quartet.api.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.PosixFilePermissions;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.stream.Stream;
import picocli.CommandLine;
import quartet.api.auth.ApiKeys;
import quartet.api.auth.AuthError;
import quartet.api.auth.Principal;
import quartet.api.auth.Role;
import quartet.errors.EngineException;

/** {@code quartet key NAME}: makes a key, prints it once, and keeps its hash. */
@CommandLine.Command(
    name = "key",
    mixinStandardHelpOptions = true,
    description = "Makes a key for a server with --api-keys, prints it, and adds its hash.")
final class KeyCommand implements Callable<Integer> {
  @CommandLine.Parameters(paramLabel = "NAME", description = "Whose key it is.")
  private String name = "";

  @CommandLine.Option(
      names = "--role",
      defaultValue = "user",
      description = "admin, user or read-only (default: ${DEFAULT-VALUE}).")
  private String role = "user";

  @CommandLine.Option(
      names = "--quota",
      defaultValue = "0",
      description = "Prompts that may wait or run at once (default: ${DEFAULT-VALUE}, no limit).")
  private int quota;

  @CommandLine.Option(
      names = "--keys",
      defaultValue = "keys.txt",
      description = "The file of keys (default: ${DEFAULT-VALUE}); made if it is not there.")
  private Path file = Path.of("keys.txt");

  @Override
  public Integer call() {
    String key = ApiKeys.newKey();
    Role chosen =
        Role.named(role)
            .orElseThrow(
                () ->
                    new EngineException(
                        AuthError.BAD_KEY_FILE,
                        "--role is '%s'; write admin, user or read-only".formatted(role)));
    String line = ApiKeys.line(new Principal(name, chosen, quota), key);
    try {
      List<String> lines = Files.exists(file) ? Files.readAllLines(file) : List.of();
      // Refuses a wrong name, quota or line before anything is written.
      int count =
          ApiKeys.checked(file.toString(), Stream.concat(lines.stream(), Stream.of(line)).toList());
      if (!Files.exists(file)) {
        Files.createFile(
            file,
            PosixFilePermissions.asFileAttribute(PosixFilePermissions.fromString("rw-------")));
      }
      boolean unfinished = !lines.isEmpty() && !Files.readString(file).endsWith("\n");
      Files.writeString(file, (unfinished ? "\n" : "") + line + "\n", StandardOpenOption.APPEND);
      System.err.printf("%s now has %d keys; the server reads it when it starts%n", file, count);
    } catch (IOException e) {
      throw new EngineException(
          AuthError.BAD_KEY_FILE,
          "The file of keys %s cannot be written: %s".formatted(file, e),
          e);
    }
    System.out.println(key);
    return CommandLine.ExitCode.OK;
  }
}
