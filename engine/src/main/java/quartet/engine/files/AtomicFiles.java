package quartet.engine.files;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.UUID;

/**
 * Files that are there whole or not at all: written under a hidden name in the folder where they
 * end up, and renamed. Readers never see half a file, and a crash leaves the old one.
 */
public final class AtomicFiles {
  private AtomicFiles() {}

  /** A hidden name for a file that is still being written. */
  public static Path unfinished(Path folder) {
    return folder.resolve("." + UUID.randomUUID() + ".part");
  }

  /** Writes a file, its folders made, an older one replaced. */
  public static void write(Path file, byte[] bytes) throws IOException {
    Path folder = java.util.Objects.requireNonNull(file.getParent());
    Files.createDirectories(folder);
    Path part = unfinished(folder);
    try {
      Files.write(part, bytes);
      replace(part, file);
    } finally {
      Files.deleteIfExists(part);
    }
  }

  /** Gives a finished file its name; an older one of that name is replaced. */
  public static void replace(Path from, Path to) throws IOException {
    Files.move(from, to, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  /**
   * Gives a finished file its name unless that is taken. A rename replaces silently; a hard link
   * does not. Where there are none, the name is claimed first.
   *
   * @throws FileAlreadyExistsException if the name is taken
   */
  public static Path renameUnlessTaken(Path from, Path to) throws IOException {
    try {
      Files.createLink(to, from);
      Files.delete(from);
    } catch (FileAlreadyExistsException e) {
      throw e;
    } catch (UnsupportedOperationException | FileSystemException e) {
      Files.createFile(to);
      try {
        Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
      } catch (IOException failed) {
        Files.deleteIfExists(to);
        throw failed;
      }
    }
    return to;
  }
}
