package quartet.api.http;

import java.net.URLDecoder;
import java.nio.charset.StandardCharsets;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.Optional;
import java.util.stream.Stream;
import quartet.engine.files.Folders;
import quartet.errors.EngineException;

/**
 * The three folders whose files clients may name, and the one place where such names become paths.
 * Links are resolved before a path counts as inside.
 */
record PictureFolders(Folders folders) {
  /** Bytes of a file's name on usual file systems, less what a temporary name adds. */
  private static final int LONGEST_NAME = 200;

  /** Where {@code type} points, if it is one of the three. */
  Optional<Path> root(String type) {
    return switch (type) {
      case "output" -> Optional.of(folders.output());
      case "input" -> Optional.of(folders.input());
      case "temp" -> Optional.of(folders.temp());
      default -> Optional.empty();
    };
  }

  /** What a client's name means. */
  sealed interface Named {}

  /** A path inside its folder; a file may or may not be there. */
  record Inside(Path folder, Path file) implements Named {}

  /** No name a file can have. */
  record NoName(String why) implements Named {}

  /** It leads out of its folder. */
  record Outside(String why) implements Named {}

  /**
   * A file below a root. Backslashes are refused, not read as separators: the same name must mean
   * the same file on every system.
   */
  static Named file(Path root, String subfolder, String name) {
    if (name.isBlank() || name.startsWith("/") || unusable(name)) {
      return new NoName("'" + name + "' is no file name");
    }
    if (unusable(subfolder)) {
      return new Outside("'" + subfolder + "' is no folder here");
    }
    try {
      Path base = below(root, subfolder);
      Path last = Path.of(name).getFileName();
      if (last == null || last.toString().equals(".") || last.toString().equals("..")) {
        return new NoName("'" + name + "' is no file name");
      }
      return new Inside(base, Folders.inside(base, name));
    } catch (InvalidPathException e) {
      return new NoName("'" + name + "' is no file name");
    } catch (EngineException e) {
      return new Outside(String.valueOf(e.getMessage()));
    }
  }

  /** A name without its percent escapes; one that has none or broken ones is left as it is. */
  static String decoded(String name) {
    if (name.indexOf('%') < 0) {
      return name;
    }
    try {
      return URLDecoder.decode(name.replace("+", "%2B"), StandardCharsets.UTF_8);
    } catch (IllegalArgumentException e) {
      return name;
    }
  }

  private static Path below(Path root, String subfolder) {
    Path base = root.resolve(subfolder).normalize();
    return base.equals(root.normalize()) ? root : Folders.inside(root, subfolder);
  }

  private static boolean unusable(String text) {
    return text.indexOf('\\') >= 0
        || text.indexOf('\0') >= 0
        || Stream.of(text.split("/", -1))
            .anyMatch(part -> part.getBytes(StandardCharsets.UTF_8).length > LONGEST_NAME);
  }
}
