package quartet.cluster.journal;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.time.Duration;
import java.util.OptionalLong;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import quartet.errors.EngineException;

/**
 * A file beside an H2 database that says how far its journal went.
 *
 * <p>Why: H2 opens a file whose end is cut off, or an older copy, without a word, at the last state
 * that is whole. Measured: half of a live file of 300 entries opens with 168. A journal must not
 * lose prompts silently, so its start compares.
 *
 * <p>The mark is written after the database's own flush and at most once a second: what was stored
 * in the last second before a kill may be missing from it, never the other way round.
 *
 * <p>Thread: one at a time.
 */
final class JournalMark {
  private static final Logger LOG = LoggerFactory.getLogger(JournalMark.class);
  private static final long EVERY_NANOS = Duration.ofSeconds(1).toNanos();

  private final Path file;
  private long written = System.nanoTime() - EVERY_NANOS;

  JournalMark(Path database) {
    this.file = database.resolveSibling(database.getFileName() + ".mark");
  }

  /** Whether it is time to write it again. */
  boolean isDue() {
    return System.nanoTime() - written >= EVERY_NANOS;
  }

  /** Entries up to this number are on the disk. */
  void write(long ordering) {
    written = System.nanoTime();
    try {
      Path next = file.resolveSibling(file.getFileName() + ".next");
      Files.writeString(next, Long.toString(ordering), StandardCharsets.US_ASCII);
      Files.move(next, file, StandardCopyOption.ATOMIC_MOVE, StandardCopyOption.REPLACE_EXISTING);
    } catch (IOException e) {
      LOG.debug("the journal's mark {} cannot be written: {}", file, e.toString());
    }
  }

  private OptionalLong read() {
    try {
      return Files.exists(file)
          ? OptionalLong.of(Long.parseLong(Files.readString(file).strip()))
          : OptionalLong.empty();
    } catch (IOException | NumberFormatException e) {
      LOG.warn("the journal's mark {} cannot be read and is ignored: {}", file, e.toString());
      return OptionalLong.empty();
    }
  }

  /**
   * Compares with what the database holds.
   *
   * @throws EngineException if it holds less than was stored
   */
  void check(long ordering, JournalSettings settings) {
    OptionalLong stored = read();
    if (stored.isPresent() && ordering < stored.getAsLong()) {
      throw new EngineException(
          JournalError.JOURNAL_CUT_OFF,
          "The journal %s ends at entry %d, but entries up to %d were stored in it: its end is cut"
                  .formatted(settings.shown(), ordering, stored.getAsLong())
              + " off, or it is an older copy. Restore the data folder from a backup; or, to go on"
              + " with the prompts that are left, remove %s".formatted(file));
    }
  }
}
