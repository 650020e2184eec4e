package quartet.api.outbox;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;

/**
 * A folder of things that have not arrived yet.
 *
 * <p>Thread: one that may block, one call per name at a time.
 *
 * @param suffix of the files, with its dot
 */
public record Outbox(Path folder, String suffix) {
  /** Keeps something; it is there as a whole or not at all. The name is safe as a file's name. */
  public void put(String name, byte[] content) throws IOException {
    Files.createDirectories(folder);
    Path next = folder.resolve(name + ".next");
    Files.write(next, content);
    Files.move(
        next, file(name), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /** What was kept. */
  public byte[] get(String name) throws IOException {
    return Files.readAllBytes(file(name));
  }

  /** It has arrived. */
  public void remove(String name) throws IOException {
    Files.deleteIfExists(file(name));
  }

  /** It will never arrive: puts it into a folder beside, for people to look at. */
  public void setAside(String name, String folderName) throws IOException {
    Path aside = Files.createDirectories(folder.resolve(folderName));
    Files.move(file(name), aside.resolve(name + suffix), StandardCopyOption.REPLACE_EXISTING);
  }

  /** Names of all that is there, oldest first. */
  public List<String> names() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .filter(file -> file.getFileName().toString().endsWith(suffix))
          .sorted(Comparator.comparingLong(file -> file.toFile().lastModified()))
          .map(file -> file.getFileName().toString())
          .map(name -> name.substring(0, name.length() - suffix.length()))
          .toList();
    }
  }

  private Path file(String name) {
    return folder.resolve(name + suffix);
  }
}
