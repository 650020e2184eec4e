package quartet.cluster.model;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * Which checkpoints the host holds and for how many devices. Files nobody holds stay mapped until
 * the budget is needed, least recently used first to go.
 *
 * <p>Pure: opening and closing are the caller's.
 */
final class ModelLedger<T> {
  private final long budgetBytes;
  private final LinkedHashMap<Path, Entry<T>> entries = new LinkedHashMap<>(16, 0.75f, true);

  ModelLedger(long budgetBytes) {
    this.budgetBytes = budgetBytes;
  }

  private static final class Entry<T> {
    final T file;
    final long bytes;
    int holders;

    Entry(T file, long bytes) {
      this.file = file;
      this.bytes = bytes;
    }
  }

  /** Counts one more holder of a file that is there. */
  Optional<T> acquire(Path path) {
    Entry<T> entry = entries.get(path);
    if (entry == null) {
      return Optional.empty();
    }
    entry.holders++;
    return Optional.of(entry.file);
  }

  /**
   * Takes in a file that was opened, without holders yet; returns what has to be closed to stay
   * within the budget.
   */
  List<T> opened(Path path, T file, long bytes) {
    entries.put(path, new Entry<>(file, bytes));
    return evict(path);
  }

  /** Counts one holder less. */
  void release(Path path) {
    Entry<T> entry = entries.get(path);
    if (entry == null || entry.holders == 0) {
      throw new IllegalStateException(path + " is released more often than acquired");
    }
    entry.holders--;
  }

  /** Everything that nobody holds; returns what has to be closed. */
  List<T> dropUnused() {
    List<T> dropped = new ArrayList<>();
    for (Iterator<Entry<T>> all = entries.values().iterator(); all.hasNext(); ) {
      Entry<T> entry = all.next();
      if (entry.holders == 0) {
        dropped.add(entry.file);
        all.remove();
      }
    }
    return dropped;
  }

  private List<T> evict(Path keep) {
    List<T> dropped = new ArrayList<>();
    long total = bytes();
    for (Iterator<Map.Entry<Path, Entry<T>>> all = entries.entrySet().iterator();
        all.hasNext() && total > budgetBytes; ) {
      Map.Entry<Path, Entry<T>> next = all.next();
      if (next.getValue().holders == 0 && !next.getKey().equals(keep)) {
        dropped.add(next.getValue().file);
        total -= next.getValue().bytes;
        all.remove();
      }
    }
    return dropped;
  }

  /** Bytes of all mapped files. */
  long bytes() {
    return entries.values().stream().mapToLong(entry -> entry.bytes).sum();
  }

  /** Holders by file. */
  Map<Path, Integer> holders() {
    Map<Path, Integer> holders = new LinkedHashMap<>();
    entries.forEach((path, entry) -> holders.put(path, entry.holders));
    return holders;
  }
}
