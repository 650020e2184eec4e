package quartet.api.store;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Keys of outputs that are not in the storage yet, one small file each.
 *
 * <p>Thread: one that may block, one call per key at a time.
 */
record PendingUploads(Path folder) {
  private static final String SUFFIX = ".key";

  void put(String key) throws IOException {
    Files.createDirectories(folder);
    Path next = folder.resolve(name(key) + ".next");
    Files.writeString(next, key);
    Files.move(
        next, file(key), StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
  }

  void stored(String key) throws IOException {
    Files.deleteIfExists(file(key));
  }

  /** What an earlier start has left, oldest first. */
  List<String> all() throws IOException {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    List<Path> files;
    try (Stream<Path> list = Files.list(folder)) {
      files =
          list.filter(file -> file.getFileName().toString().endsWith(SUFFIX))
              .sorted(java.util.Comparator.comparingLong(file -> file.toFile().lastModified()))
              .toList();
    }
    List<String> keys = new ArrayList<>();
    for (Path file : files) {
      keys.add(Files.readString(file));
    }
    return keys;
  }

  private Path file(String key) {
    return folder.resolve(name(key) + SUFFIX);
  }

  /** Keys may be longer than a file's name can be. */
  private static String name(String key) {
    return RequestSignature.hex(
        RequestSignature.sha256().digest(key.getBytes(StandardCharsets.UTF_8)));
  }
}
