package quartet.api.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/**
 * What this machine calls itself. The kernel is asked, not the resolver: a name server may not know
 * the machine, as in most containers, or take seconds to say so.
 */
final class HostName {
  /** Where Linux keeps it. */
  static final Path KERNEL = Path.of("/proc/sys/kernel/hostname");

  private static final String UNKNOWN = "server";

  private HostName() {}

  /** The name in a file of one line; {@code server} if there is none. */
  static String read(Path file) {
    try {
      String name = Files.readString(file).strip();
      return name.isEmpty() ? UNKNOWN : name;
    } catch (IOException e) {
      return UNKNOWN;
    }
  }
}
