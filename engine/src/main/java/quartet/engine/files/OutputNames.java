package quartet.engine.files;

import java.io.IOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.LocalDateTime;
import java.util.Locale;
import java.util.stream.Stream;
import quartet.errors.EngineException;

/**
 * Names of result files: {@code <prefix>_00001_.png}, counted per folder. The counter's file is
 * claimed by creating it, so that two devices never write the same name.
 */
public final class OutputNames {
  private OutputNames() {}

  /**
   * A prefix after its tokens were filled in.
   *
   * @param folder where the file goes; exists
   * @param subfolder the same relative to the output folder, {@code /} between parts, or empty
   * @param stem the file name before the counter
   */
  public record Target(Path folder, String subfolder, String stem) {}

  /**
   * Fills in {@code %width%}, {@code %height%}, {@code %year%} … {@code %second%} and makes the
   * folder.
   *
   * @throws EngineException if the prefix leads out of the output folder
   */
  public static Target target(
      Path output, String prefix, int width, int height, LocalDateTime now) {
    String filled = prefix.contains("%") ? fill(prefix, width, height, now) : prefix;
    Path file = Folders.inside(output, filled.isEmpty() ? "_" : filled);
    Path folder = java.util.Objects.requireNonNull(file.getParent());
    try {
      Files.createDirectories(folder);
    } catch (IOException e) {
      throw new EngineException(
          FileError.FOLDER_UNUSABLE, "Cannot make the folder " + folder + ": " + e, e);
    }
    String subfolder =
        output.toAbsolutePath().normalize().relativize(folder).toString().replace('\\', '/');
    return new Target(folder, subfolder, filled.isEmpty() ? "" : file.getFileName().toString());
  }

  private static String fill(String prefix, int width, int height, LocalDateTime now) {
    return prefix
        .replace("%width%", Integer.toString(width))
        .replace("%height%", Integer.toString(height))
        .replace("%year%", Integer.toString(now.getYear()))
        .replace("%month%", two(now.getMonthValue()))
        .replace("%day%", two(now.getDayOfMonth()))
        .replace("%hour%", two(now.getHour()))
        .replace("%minute%", two(now.getMinute()))
        .replace("%second%", two(now.getSecond()));
  }

  private static String two(int value) {
    return String.format(Locale.ROOT, "%02d", value);
  }

  /** A name for a file that is still being written, in the folder where it will end up. */
  public static Path unfinished(Target target) {
    return AtomicFiles.unfinished(target.folder());
  }

  /**
   * Gives a finished file the next free number, in one step: nobody sees half a file, and two
   * devices never take the same number.
   *
   * @return the file under its final name
   */
  public static Path publish(Target target, int batchIndex, Path finished) {
    return publish(target, batchIndex, finished, ".png");
  }

  /** The same for a file of another kind. */
  public static Path publish(Target target, int batchIndex, Path finished, String suffix) {
    String stem = target.stem().replace("%batch_num%", Integer.toString(batchIndex));
    int counter = highest(target.folder(), stem) + 1;
    while (true) {
      Path file =
          target.folder().resolve(String.format(Locale.ROOT, "%s_%05d_%s", stem, counter, suffix));
      try {
        return AtomicFiles.renameUnlessTaken(finished, file);
      } catch (FileAlreadyExistsException e) {
        counter++;
      } catch (IOException e) {
        throw new EngineException(
            FileError.FOLDER_UNUSABLE,
            "Cannot write into %s: %s. Is the disk full or the folder read-only?"
                .formatted(target.folder(), e),
            e);
      }
    }
  }

  private static int highest(Path folder, String stem) {
    String start = stem + "_";
    try (Stream<Path> files = Files.list(folder)) {
      return files
          .map(file -> file.getFileName().toString())
          .filter(name -> name.startsWith(start))
          .mapToInt(name -> number(name.substring(start.length())))
          .max()
          .orElse(0);
    } catch (IOException e) {
      throw new EngineException(FileError.FOLDER_UNUSABLE, "Cannot list " + folder + ": " + e, e);
    }
  }

  private static int number(String rest) {
    int end = 0;
    while (end < rest.length() && Character.isDigit(rest.charAt(end)) && end < 9) {
      end++;
    }
    boolean ends = end == rest.length() || rest.charAt(end) == '_' || rest.charAt(end) == '.';
    return end > 0 && ends ? Integer.parseInt(rest.substring(0, end)) : 0;
  }
}
