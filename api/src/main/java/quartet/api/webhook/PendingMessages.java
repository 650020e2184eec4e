package quartet.api.webhook;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.stream.Stream;

/**
 * Messages that are not delivered yet, one file each. Prompt ids are safe as file names.
 *
 * <p>Thread: one that may block, one call per message at a time.
 */
record PendingMessages(Path folder) {
  private static final String SUFFIX = ".json";

  void put(String id, byte[] body) throws IOException {
    Files.createDirectories(folder);
    Path next = folder.resolve(name(id) + ".next");
    Files.write(next, body);
    Files.move(next, file(id), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  byte[] get(String id) throws IOException {
    return Files.readAllBytes(file(id));
  }

  void delivered(String id) throws IOException {
    Files.deleteIfExists(file(id));
  }

  /** Puts it aside for people to look at. */
  void givenUp(String id) throws IOException {
    Path aside = Files.createDirectories(folder.resolve("undelivered"));
    Files.move(file(id), aside.resolve(name(id) + SUFFIX), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Ids of all messages from before, oldest first. */
  List<String> all() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith(SUFFIX))
          .sorted(java.util.Comparator.comparingLong(file -> file.toFile().lastModified()))
          .map(file -> file.getFileName().toString())
          .map(name -> name.substring(0, name.length() - SUFFIX.length()).replace("%3A", ":"))
          .toList();
    }
  }

  private Path file(String id) {
    return folder.resolve(name(id) + SUFFIX);
  }

  private static String name(String id) {
    return id.replace(":", "%3A");
  }
}
