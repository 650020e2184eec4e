package quartet.tensor.cuda;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * The algorithms that were fastest, by shape: a text file per card and library versions, a line
 * {@code shape = choice} each. A file that cannot be read or written costs time, never a prompt.
 *
 * <p>Owner: the backend. Thread: the device's.
 */
final class Tuning {
  private static final Logger LOG = LoggerFactory.getLogger(Tuning.class);
  private static final String SEPARATOR = " = ";

  private final Path file;
  private final Map<String, String> choices = new TreeMap<>();
  private boolean changed;

  private Tuning(Path file) {
    this.file = file;
  }

  /** Reads what was found before. */
  static Tuning open(Path file) {
    Tuning tuning = new Tuning(file);
    tuning.read();
    return tuning;
  }

  private void read() {
    if (!Files.isRegularFile(file)) {
      return;
    }
    try {
      for (String line : Files.readAllLines(file)) {
        int at = line.indexOf(SEPARATOR);
        if (at > 0) {
          choices.put(line.substring(0, at), line.substring(at + SEPARATOR.length()));
        }
      }
    } catch (IOException e) {
      LOG.warn("{} cannot be read ({}); algorithms are timed again", file, e.toString());
    }
  }

  /** What was chosen for a shape, or null. */
  @Nullable String choice(String shape) {
    return choices.get(shape);
  }

  /** Remembers a choice; {@link #save} makes it last. */
  void choose(String shape, String choice) {
    if (!choice.equals(choices.put(shape, choice))) {
      changed = true;
    }
  }

  /** Writes what is new. Devices of one card share the file, so what others wrote is kept. */
  void save() {
    if (!changed) {
      return;
    }
    try {
      Files.createDirectories(file.getParent());
      Map<String, String> mine = new TreeMap<>(choices);
      read();
      choices.putAll(mine);
      List<String> lines = new ArrayList<>();
      choices.forEach((shape, choice) -> lines.add(shape + SEPARATOR + choice));
      Path temporary = Files.createTempFile(file.getParent(), "tuning", ".tmp");
      Files.write(temporary, lines);
      Files.move(
          temporary, file, StandardCopyOption.REPLACE_EXISTING, StandardCopyOption.ATOMIC_MOVE);
      changed = false;
    } catch (IOException e) {
      LOG.warn("{} cannot be written ({}); algorithms are timed at each start", file, e.toString());
      changed = false;
    }
  }
}
